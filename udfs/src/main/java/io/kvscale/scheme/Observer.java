package io.kvscale.scheme;

import java.util.Locale;

/** Which range of the observed values a scale comes from. */
public enum Observer {
    /** The least and the greatest of all values; exact in any order. The default. */
    STATIC_MINMAX,
    /** A moving average over batches, in the order of (file, position in the file). */
    MINMAX,
    /** The range of the last batch in that order. */
    MEMORYLESS_MINMAX,
    /** The range with the least sum of {@code |q - x|^norm} over all values. Also called {@code memoryless_mse}. */
    MSE,
    /** The least {@code |x|} that a share of all values does not exceed. */
    PERCENTILE,
    /** The range that keeps most of the distribution of {@code |x|}, by the Kullback-Leibler divergence. */
    ENTROPY;

    /** The word that recipes use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether the range of every batch must be kept. */
    public boolean needsBatches() {
        return this == MINMAX || this == MEMORYLESS_MINMAX;
    }

    /** Whether values must be counted one by one. */
    public boolean needsCounts() {
        return this == MSE || this == PERCENTILE || this == ENTROPY;
    }
}
