package io.kvscale.scheme.table;

import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Geometry;
import org.jspecify.annotations.Nullable;

/**
 * The scales of one slot and the facts they were derived from. Arrays are flat, row-major in {@link #shape}.
 *
 * @param scale finite and above 0, computed in the scheme's {@code scale_dtype}
 * @param zeroPoint numbers of the scheme's format; 0 where symmetric
 * @param rangeMin the lower end of the range of each scale, as the observer chose it
 * @param rangeMax the upper end
 * @param min the least finite value of the slot; does not depend on the observer
 * @param max the greatest finite value of the slot
 * @param count finite values observed
 * @param nan NaN values observed
 * @param infinite infinite values observed, of either sign
 * @param minSample the first sample with {@code min}; null if samples have no names
 * @param maxSample the first sample with {@code max}; null if samples have no names
 * @param error null without histograms, or if the strategy is neither tensor nor attn_head
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

    /**
     * The quantization error over all values of a slot. It excludes the final rounding to the K/V dtype.
     *
     * @param mse mean squared error
     * @param sqnrDb signal-to-noise ratio in decibels; infinite without noise
     * @param saturated values beyond the least or the greatest number of the format
     * @param approximate whether values were rounded before they were counted: F32 data
     */
    public record ErrorSummary(double mse, double sqnrDb, long saturated, boolean approximate) {}

    /** [1], [H,1,1], [H,1,D] or [H,1,D/group_size]. */
    public int[] shape() {
        return scheme.strategy().scaleShape(geometry, scheme.groupSize());
    }
}
