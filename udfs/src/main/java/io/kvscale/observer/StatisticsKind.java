package io.kvscale.observer;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How much a pass keeps of the values of a slot. */
public enum StatisticsKind {
    /** Least and greatest value of every channel, and counts. */
    RANGE,
    /** That, and how often every 16-bit pattern occurs in every head: what an error is computed from. */
    HISTOGRAM;

    /** The word in a recipe. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The tables for one task of this kind; null where nothing is counted. */
    public @Nullable CountTables tables() {
        return this == HISTOGRAM ? new CountTables() : null;
    }
}
