package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.ErrorSummary;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import org.jspecify.annotations.Nullable;

/**
 * How wrong given scales are over all values of a slot: exact, from its histograms, without the values themselves. The error
 * is that of the f32 number that a code stands for, before it is rounded to the type of K and V, summed in f64.
 *
 * @param count finite values
 * @param signal sum of squared values
 * @param noise sum of squared errors
 * @param mse {@code noise / count}
 * @param sqnrDb 10 log10 of signal to noise; infinite where nothing is lost
 * @param saturated values beyond the least or the greatest number of the format
 * @param codesUsed different codes that occur, over all heads
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
     * The error under the scales that the statistics themselves give: what one scheme costs beside another.
     *
     * @return null where values were not counted, or are not by heads
     * @throws io.kvscale.tensor.InvalidDataException as {@link ScaleSet#derive}
     */
    public static @Nullable SlotError of(SlotStatistics statistics, QuantizationScheme scheme) {
        if (!statistics.hasCounts() || !scheme.strategy().isByHeads()) {
            return null;
        }
        ScaleSet derived = ScaleSet.derive(statistics, scheme);
        return of(statistics, scheme, derived.scales(), derived.zeroPoints());
    }

    /**
     * The error of any scales. Steps are computed as the scheme's {@code scale_dtype} says, but for the last rounding.
     *
     * @param scale one, or one a head, as the scheme's strategy is
     * @param zeroPoint as many; 0 where symmetric
     * @return null where values were not counted, or are not by heads: strategies channel and group
     */
    public static @Nullable SlotError of(
            SlotStatistics statistics, QuantizationScheme scheme, float[] scale, float[] zeroPoint) {
        if (!statistics.hasCounts() || !scheme.strategy().isByHeads() || statistics.isEmpty()) {
            return null;
        }
        int heads = statistics.geometry().heads();
        int perScale = scheme.strategy() == Strategy.TENSOR ? heads : 1;
        if (scale.length != heads / perScale || zeroPoint.length != scale.length) {
            throw new IllegalArgumentException(
                    scale.length + " scales and " + zeroPoint.length + " zero points, expected " + heads / perScale);
        }
        Dtype step = scheme.scaleDtype().over(statistics.geometry().dtype());
        ErrorSum sum = new ErrorSum(scheme.format(), step);
        boolean approximate = false;
        for (int i = 0; i < scale.length; i++) {
            ValueCounts counts = statistics.counts(i * perScale, perScale);
            if (counts == null) {
                return null;
            }
            approximate |= counts.approximate();
            QuantParameters parameters = new QuantParameters(scale[i], zeroPoint[i]);
            for (int v = 0; v < counts.values().length; v++) {
                sum.add(counts.values()[v], counts.counts()[v], parameters);
            }
        }
        return new SlotError(
                sum.count(),
                sum.signal(),
                sum.noise(),
                sum.mse(),
                sum.sqnrDb(),
                sum.saturated(),
                sum.codesUsed(),
                approximate);
    }

    /** What a scale table keeps of it. */
    public ErrorSummary summary() {
        return new ErrorSummary(mse, sqnrDb, saturated, approximate);
    }
}
