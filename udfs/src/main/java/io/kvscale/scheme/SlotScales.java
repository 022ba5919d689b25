package io.kvscale.scheme;

import io.kvscale.tensor.Geometry;
import org.jspecify.annotations.Nullable;

/**
 * The scales of one slot and what they came from. Arrays are flat, row-major in {@link #shape}.
 *
 * @param scale finite and above 0, computed in the scheme's {@code scale_dtype}
 * @param zeroPoint numbers of the scheme's format; 0 where symmetric
 * @param rangeMin the least value behind each scale, after the observer
 * @param rangeMax the greatest
 * @param min the least finite value of the corpus, whatever the observer
 * @param max the greatest
 * @param count finite values observed
 * @param infinite infinities of either sign
 * @param minSample the first sample that holds {@code min}; null where samples have no names
 * @param maxSample the first sample that holds {@code max}
 * @param error over all values; null where they were not counted, or the scheme is not by heads
 */
public record SlotScales(
        QuantizationScheme scheme,
        Geometry geometry,
        float[] scale,
        float[] zeroPoint,
        float[] rangeMin,
        float[] rangeMax,
        float min,
        float max,
        long count,
        long nan,
        long infinite,
        @Nullable String minSample,
        @Nullable String maxSample,
        @Nullable ErrorSummary error) {

    /** [1], [H,1,1], [H,1,D] or [H,1,D/group_size]. */
    public int[] shape() {
        return scheme.strategy().scaleShape(geometry, scheme.groupSize());
    }
}
