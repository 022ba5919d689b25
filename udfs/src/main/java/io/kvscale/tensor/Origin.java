package io.kvscale.tensor;

import java.io.Serializable;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * The sample and file that values came from. Ordered by sample, then file.
 *
 * @param sample null if the caller named none
 * @param file path below the input; empty for values that came from no file
 */
public record Origin(@Nullable Sample sample, String file) implements Comparable<Origin>, Serializable {
    private static final Comparator<Origin> ORDER = Comparator.comparing(
                    Origin::sample, Comparator.nullsFirst(Comparator.<Sample>naturalOrder()))
            .thenComparing(Origin::file, Sample::compareUtf8);

    @Override
    public int compareTo(Origin other) {
        return ORDER.compare(this, other);
    }

    /** The first of two in their order; null counts as absent. */
    public static @Nullable Origin earlier(@Nullable Origin a, @Nullable Origin b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return a.compareTo(b) <= 0 ? a : b;
    }
}
