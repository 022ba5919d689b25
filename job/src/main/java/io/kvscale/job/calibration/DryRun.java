package io.kvscale.job.calibration;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.task.Tally;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a calibration would read.
 *
 * @param facts facts about the corpus, by label, in the order in which they are printed
 * @param headers the slots that the headers of captures show, without values; null for texts
 * @param tally counts of all headers
 */
public record DryRun(Map<String, String> facts, @Nullable CalibrationStatistics headers, Tally tally) {
    public DryRun {
        facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
    }
}
