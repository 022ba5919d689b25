package io.kvscale.tensor;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * The sample and file that values came from. Ordered by sample, then file.
 *
 * @param sample null if the caller named none
 * @param file path below the input; empty for values that came from no file
 */
public record Origin(@Nullable Sample sample, String file) implements Comparable<Origin>, Serializable {
    @Override
    public int compareTo(Origin other) {
        if (sample == null || other.sample == null) {
            return sample == other.sample ? Sample.compareUtf8(file, other.file) : sample == null ? -1 : 1;
        }
        int bySample = sample.compareTo(other.sample);
        return bySample != 0 ? bySample : Sample.compareUtf8(file, other.file);
    }

    /** The first of two in their order; null counts as absent. */
    public static @Nullable Origin earlier(@Nullable Origin a, @Nullable Origin b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        return a.compareTo(b) <= 0 ? a : b;
    }
}
