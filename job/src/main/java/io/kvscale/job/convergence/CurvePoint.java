package io.kvscale.job.convergence;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.InvalidDataException;

/**
 * What a part of a corpus says about one slot.
 *
 * @param absmax the greatest |x|; NaN without values
 * @param p9999 the least |x| that 99.99 % of all |x| do not exceed; NaN without histograms or values
 * @param scales those that the recipe's scheme derives; none if it derives none, as without values of some channel
 */
record CurvePoint(float absmax, float p9999, float[] scales) {
    static final CurvePoint NONE = new CurvePoint(Float.NaN, Float.NaN, new float[0]);

    private static final double PERCENT = 99.99;

    static CurvePoint of(SlotStatistics seen, QuantizationScheme scheme) {
        if (seen.isEmpty()) {
            return NONE;
        }
        ValueCounts counts = seen.histogram(0, seen.geometry().heads());
        return new CurvePoint(
                Math.max(Math.abs(seen.min()), Math.abs(seen.max())),
                counts == null ? Float.NaN : counts.percentile(PERCENT),
                scales(seen, scheme));
    }

    private static float[] scales(SlotStatistics seen, QuantizationScheme scheme) {
        try {
            return ScaleSet.derive(seen, scheme).scales();
        } catch (InvalidDataException e) {
            return NONE.scales; // the solver reports it, if it holds for the whole corpus too
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

    /** The largest relative difference of a scale to that of the whole corpus; infinite without scales. */
    double change(CurvePoint whole) {
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
