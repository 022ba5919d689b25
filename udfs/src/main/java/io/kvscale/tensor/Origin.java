package io.kvscale.tensor;

import java.io.Serializable;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * Where values came from. Ordered by sample, then file.
 *
 * @param sample null where whoever gave the values named none
 * @param file as a path below the input; empty for values that never were in a file
 */
public record Origin(@Nullable Sample sample, String file) implements Comparable<Origin>, Serializable {
    private static final Comparator<Origin> ORDER = Comparator.comparing(
                    Origin::sample, Comparator.nullsFirst(Comparator.<Sample>naturalOrder()))
            .thenComparing(Origin::file, Sample::compareUtf8);

    @Override
    public int compareTo(Origin other) {
        return ORDER.compare(this, other);
    }

    /** The lesser of two, either of which may be absent. */
    public static @Nullable Origin earlier(@Nullable Origin a, @Nullable Origin b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return a.compareTo(b) <= 0 ? a : b;
    }
}
