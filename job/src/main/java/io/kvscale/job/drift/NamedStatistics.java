package io.kvscale.job.drift;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.Slot;
import java.util.Objects;

/** Statistics, and the file that errors name. */
public record NamedStatistics(String file, CalibrationStatistics content) {
    /** The statistics of a slot, which is there. */
    SlotStatistics slot(Slot slot) {
        return Objects.requireNonNull(content.slots().get(slot));
    }
}
