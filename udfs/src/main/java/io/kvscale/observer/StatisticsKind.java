package io.kvscale.observer;

import io.kvscale.observer.histogram.CountTables;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a pass over the corpus records about the values of a slot. */
public enum StatisticsKind {
    /** Minimum and maximum of every channel, and counts. */
    RANGE,
    /** Also a histogram of the 16-bit patterns of every head, from which quantization errors are computed. */
    HISTOGRAM;

    /** The word in recipes and SQL. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The counting memory for one task; null if this kind has no histograms. */
    public @Nullable CountTables tables() {
        return this == HISTOGRAM ? new CountTables() : null;
    }
}
