package io.kvscale.quant;

import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales.ErrorSummary;
import org.jspecify.annotations.Nullable;

/**
 * The quantization error of scales over all values of a slot, computed exactly from histograms. It excludes the final
 * rounding to the K/V dtype and is summed in f64.
 *
 * @param count number of finite values
 * @param signal sum of squared values
 * @param noise sum of squared errors
 * @param mse {@code noise / count}
 * @param sqnrDb signal-to-noise ratio in decibels; infinite without noise
 * @param saturated number of values beyond the least or the greatest number of the format
 * @param codesUsed number of different codes, over all heads
 * @param approximate whether values were rounded before they were counted: F32 data
 */
public record SlotError(
        long count,
        double signal,
        double noise,
        double mse,
        double sqnrDb,
        long saturated,
        int codesUsed,
        boolean approximate) {

    /**
     * The error with the scales that a scheme derives from the statistics.
     *
     * @return null without histograms, or if the strategy is neither tensor nor attn_head
     * @throws io.kvscale.tensor.InvalidDataException as {@link ScaleSet#derive}
     */
    public static @Nullable SlotError of(SlotStatistics statistics, QuantizationScheme scheme) {
        if (!statistics.hasHistograms() || !scheme.strategy().isByHeads()) {
            return null;
        }
        ScaleSet derived = ScaleSet.derive(statistics, scheme);
        return of(statistics, scheme, derived.scales(), derived.zeroPoints());
    }

    /**
     * The error with given scales.
     *
     * @param scale one for strategy tensor, one per head for attn_head
     * @param zeroPoint as many; 0 if symmetric
     * @return null without values or histograms, or if the strategy is neither tensor nor attn_head
     */
    public static @Nullable SlotError of(
            SlotStatistics statistics, QuantizationScheme scheme, float[] scale, float[] zeroPoint) {
        if (!statistics.hasHistograms() || !scheme.strategy().isByHeads() || statistics.isEmpty()) {
            return null;
        }
        int heads = statistics.geometry().heads();
        int perScale = scheme.strategy() == Strategy.TENSOR ? heads : 1;
        if (scale.length != heads / perScale || zeroPoint.length != scale.length) {
            throw new IllegalArgumentException(
                    scale.length + " scales and " + zeroPoint.length + " zero points, expected " + heads / perScale);
        }
        ErrorSum sum = new ErrorSum(scheme.format(), scheme.step(statistics.geometry()));
        boolean approximate = false;
        for (int i = 0; i < scale.length; i++) {
            ValueCounts counts = statistics.histogram(i * perScale, perScale);
            if (counts == null) {
                return null;
            }
            approximate |= counts.approximate();
            QuantParameters parameters = new QuantParameters(scale[i], zeroPoint[i]);
            for (int v = 0; v < counts.values().length; v++) {
                sum.add(counts.values()[v], counts.counts()[v], parameters);
            }
        }
        return sum.toError(approximate);
    }

    /** The part of the error that a scale table holds. */
    public ErrorSummary summary() {
        return new ErrorSummary(mse, sqnrDb, saturated, approximate);
    }
}
