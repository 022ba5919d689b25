package io.kvscale.job.convergence;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.quant.ScaleSet;
import io.kvscale.quant.SlotError;
import io.kvscale.quant.search.RangeRule;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.InvalidDataException;

/**
 * What a part of a corpus says about one slot.
 *
 * @param absmax the greatest |x|; NaN without values
 * @param p9999 the least |x| that 99.99 % of all |x| do not exceed; NaN without histograms or values
 * @param scales those that the recipe's scheme derives; none if it derives none, as without values of some channel
 * @param zeroPoints one for each scale
 */
record CurvePoint(float absmax, float p9999, float[] scales, float[] zeroPoints) {
    static final CurvePoint NONE = new CurvePoint(Float.NaN, Float.NaN, new float[0], new float[0]);

    private static final double PERCENT = 99.99;

    static CurvePoint of(SlotStatistics seen, QuantizationScheme scheme) {
        if (seen.isEmpty()) {
            return NONE;
        }
        ValueCounts counts = seen.histogram(0, seen.geometry().heads());
        float absmax = Math.max(Math.abs(seen.min()), Math.abs(seen.max()));
        float p9999 = counts == null ? Float.NaN : counts.percentile(PERCENT);
        try {
            ScaleSet set = ScaleSet.derive(seen, scheme);
            return new CurvePoint(absmax, p9999, set.scales(), set.zeroPoints());
        } catch (InvalidDataException e) {
            // The solver reports it, if it holds for the whole corpus too.
            return new CurvePoint(absmax, p9999, NONE.scales, NONE.zeroPoints);
        }
    }

    /** The largest of the scales; NaN if there are none. */
    float scale() {
        float greatest = Float.NaN;
        for (float scale : scales) {
            greatest = scale <= greatest ? greatest : scale;
        }
        return greatest;
    }

    /**
     * How much worse the scales of this part are than those of the whole corpus: the largest relative difference of a scale.
     * Observers that compare errors find scales far apart that are equally good, as the error of fp8 hardly depends on the
     * scale. For those it is the relative excess of the squared error of all values, if that is smaller.
     *
     * @return infinite without scales
     */
    double change(CurvePoint whole, SlotStatistics all, QuantizationScheme scheme) {
        double difference = difference(whole);
        if (difference > 0
                && Double.isFinite(difference)
                && scheme.observer() instanceof RangeRule rule
                && rule.triesScales()) {
            SlotError own = SlotError.of(all, scheme, scales, zeroPoints);
            SlotError best = SlotError.of(all, scheme, whole.scales, whole.zeroPoints);
            return own == null || best == null ? difference : Math.min(difference, excess(own.noise(), best.noise()));
        }
        return difference;
    }

    private static double excess(double own, double best) {
        return own <= best ? 0 : own / best - 1;
    }

    private double difference(CurvePoint whole) {
        if (scales.length == 0 || scales.length != whole.scales.length) {
            return Double.POSITIVE_INFINITY;
        }
        double most = 0;
        for (int i = 0; i < scales.length; i++) {
            most = Math.max(most, Math.abs((double) scales[i] - whole.scales[i]) / whole.scales[i]);
        }
        return most;
    }
}
