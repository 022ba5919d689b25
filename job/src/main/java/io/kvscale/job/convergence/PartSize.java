package io.kvscale.job.convergence;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.Slot;
import java.util.SortedMap;

/**
 * The size of a part of a corpus.
 *
 * @param tokens the largest number of any slot
 * @param samples the largest number of any slot
 */
public record PartSize(long tokens, long samples) {
    static PartSize of(SortedMap<Slot, SlotStatistics> slots) {
        long tokens = 0;
        long samples = 0;
        for (SlotStatistics slot : slots.values()) {
            tokens = Math.max(tokens, slot.tokens());
            samples = Math.max(samples, slot.samples());
        }
        return new PartSize(tokens, samples);
    }

    /** Whether this part is so much smaller than another one that a comparison says something: by a quarter or more. */
    boolean isBelow(PartSize larger) {
        return 4 * tokens <= 3 * larger.tokens;
    }
}
