package io.kvscale.observer;

import io.kvscale.observer.histogram.CountTables;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What a pass over the corpus records about the values of a slot, beside minimum and maximum of every channel, and counts.
 *
 * @param histograms whether it records a histogram of the 16-bit patterns of every head, from which quantization errors are
 *     computed
 * @param pairs the RoPE pairs of K whose greatest norms it records; null for none
 * @param levels whether it keeps the samples apart by levels of a hash of their names, to show how statistics grow
 */
public record StatisticsKind(boolean histograms, @Nullable KeyPairs pairs, boolean levels) implements Serializable {
    public static final StatisticsKind RANGE = new StatisticsKind(false, null, false);

    public static final StatisticsKind HISTOGRAM = new StatisticsKind(true, null, false);

    /** The word for {@link #pairs} in recipes. */
    public static final String PAIRS = "pairs";

    /** The word for {@link #histograms} in recipes and SQL. */
    public String word() {
        return histograms ? "histogram" : "range";
    }

    /** This kind with the norms of these pairs too; null for none. */
    public StatisticsKind with(@Nullable KeyPairs kept) {
        return new StatisticsKind(histograms, kept, levels);
    }

    /** This kind with the samples kept apart by levels. */
    public StatisticsKind inLevels() {
        return new StatisticsKind(histograms, pairs, true);
    }

    /** The counting memory for one task; null if this kind has no histograms. */
    public @Nullable CountTables tables() {
        return histograms ? new CountTables() : null;
    }

    /** The pairs of a slot whose norms are recorded; null for none. */
    public @Nullable RotaryPairs pairs(Slot slot) {
        return pairs == null ? null : pairs.of(slot);
    }
}
