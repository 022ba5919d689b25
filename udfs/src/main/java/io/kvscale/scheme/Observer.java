package io.kvscale.scheme;

import java.util.Locale;

/** Which range of the observed values a scale comes from. */
public enum Observer {
    /** The least and the greatest of all values; exact in any order. The default. */
    STATIC_MINMAX,
    /** A moving average over batches, in the order of (file, position in the file). */
    MINMAX,
    /** The range of the last batch in that order. */
    MEMORYLESS_MINMAX;

    /** The word that recipes use. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether the range of every batch must be kept. */
    public boolean needsBatches() {
        return this != STATIC_MINMAX;
    }
}
