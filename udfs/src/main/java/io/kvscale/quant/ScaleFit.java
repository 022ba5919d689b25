package io.kvscale.quant;

import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import org.jspecify.annotations.Nullable;

/**
 * How scales fit the values of a slot. The scales may come from anywhere: other data, another engine, a default.
 *
 * @param reach the largest ratio of a value to the last number that codes reach on its side; above 1 it saturates. Ranges
 *     tell it. 0 without values; infinite if codes do not reach that side at all
 * @param saturatedShare share of the finite values beyond the last number, from 0 to 1; null if some are and only histograms
 *     by channel would tell how many
 * @param error over all values; null without histograms, or if the strategy is neither tensor nor attn_head
 */
public record ScaleFit(
        double reach,
        @Nullable Double saturatedShare,
        @Nullable SlotError error) {
    /** The scale of an absolute maximum is rounded, so that the maximum itself may seem beyond by this much. */
    private static final double ROUNDING = 0x1p-20;

    /** Whether a value is beyond the last number. */
    public boolean saturates() {
        return reach > 1 + ROUNDING;
    }

    /** The fit of fp8 e4m3 with scale 1.0, which engines take where there is no scale: values beyond 448 saturate. */
    public static ScaleFit ofUnitScale(SlotStatistics seen) {
        return of(seen, QuantizationScheme.fp8(), new float[] {1f}, new float[] {0f});
    }

    /** The fit of a table's scales. */
    public static ScaleFit of(SlotStatistics seen, SlotScales scales) {
        return of(seen, scales.scheme(), scales.scale(), scales.zeroPoint());
    }

    /**
     * The fit of given scales.
     *
     * @param scale one for each run of {@link QuantizationScheme#channelsPerScale} channels; for NVFP4 the global scale
     * @param zeroPoint as many; 0 if symmetric
     * @throws IllegalArgumentException if their number does not suit the scheme and the geometry
     */
    public static ScaleFit of(SlotStatistics seen, QuantizationScheme scheme, float[] scale, float[] zeroPoint) {
        Geometry geometry = seen.geometry();
        int channels = scheme.channelsPerScale(geometry);
        Range[] observed = seen.ranges(channels);
        if (scale.length != observed.length || zeroPoint.length != observed.length) {
            throw new IllegalArgumentException(
                    scale.length + " scales and " + zeroPoint.length + " zero points, expected " + observed.length
                            + " for " + scheme.strategy().word() + " of " + geometry);
        }
        double reach = 0;
        long beyond = 0;
        boolean counted = true;
        for (int i = 0; i < scale.length; i++) {
            Ends ends = Ends.of(scheme, new QuantParameters(scale[i], zeroPoint[i]));
            double one = ends.reach(observed[i]);
            reach = Math.max(reach, one);
            if (one > 1) {
                int heads = channels / geometry.headDim();
                ValueCounts counts = heads == 0 ? null : seen.histogram(i * heads, heads);
                counted &= counts != null;
                beyond += counts == null ? 0 : ends.beyond(counts);
            }
        }
        SlotError error = SlotError.of(seen, scheme, scale, zeroPoint);
        long saturated = error == null ? beyond : error.saturated();
        boolean known = counted || reach <= 1 + ROUNDING;
        return new ScaleFit(reach, known ? (double) saturated / Math.max(1, seen.finite()) : null, error);
    }
}
