package io.kvscale.job.report;

import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Slot;
import java.time.Instant;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The scales of a run, for their history.
 *
 * @param time when the run began
 * @param scales the greatest scale of each slot, above 0
 */
public record PastScales(Instant time, SortedMap<Slot, Float> scales) {
    public PastScales {
        scales = Collections.unmodifiableSortedMap(new TreeMap<>(scales));
    }

    /** The scales of a table. */
    public static PastScales of(Instant time, ScaleTable table) {
        SortedMap<Slot, Float> scales = new TreeMap<>();
        table.slots().forEach((slot, there) -> scales.put(slot, greatest(there)));
        return new PastScales(time, scales);
    }

    private static float greatest(SlotScales slot) {
        float greatest = 0;
        for (float scale : slot.scale()) {
            greatest = Math.max(greatest, scale);
        }
        return greatest;
    }
}
