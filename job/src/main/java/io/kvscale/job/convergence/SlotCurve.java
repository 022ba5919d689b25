package io.kvscale.job.convergence;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Slot;
import java.util.Comparator;
import java.util.List;

/**
 * What parts of a corpus say about one slot, from the smallest part to the whole.
 *
 * @param absmax the greatest |x|; NaN without values
 * @param p9999 the 99.99th percentile of |x|; NaN without histograms
 * @param scale the largest scale; NaN if the part gives none
 * @param change how much worse the scales are than those of the whole, see {@link CurvePoint#change}; infinite if there are none
 */
public record SlotCurve(Slot slot, float[] absmax, float[] p9999, float[] scale, double[] change) {
    /** Slots that need most of the corpus first, then those that changed most at last. */
    static final Comparator<SlotCurve> WORST_FIRST = Comparator.comparingInt((SlotCurve curve) -> -curve.stableFrom())
            .thenComparingDouble(curve -> -curve.lastChange())
            .thenComparing(SlotCurve::slot);

    /** @param all the statistics of the whole corpus */
    static SlotCurve of(Slot slot, List<CurvePoint> points, SlotStatistics all, QuantizationScheme scheme) {
        int n = points.size();
        SlotCurve curve = new SlotCurve(slot, new float[n], new float[n], new float[n], new double[n]);
        for (int i = 0; i < n; i++) {
            curve.absmax[i] = points.get(i).absmax();
            curve.p9999[i] = points.get(i).p9999();
            curve.scale[i] = points.get(i).scale();
            curve.change[i] = points.get(i).change(points.get(n - 1), all, scheme);
        }
        return curve;
    }

    /** Index of the first part from which on no scale differs from that of the whole by more than the tolerance. */
    int stableFrom() {
        int from = change.length - 1;
        while (from > 0 && change[from - 1] <= Convergence.TOLERANCE) {
            from--;
        }
        return from;
    }

    /** The relative change that the last doubling made; infinite if there is only one part. */
    public double lastChange() {
        return change.length < 2 ? Double.POSITIVE_INFINITY : change[change.length - 2];
    }

    /** Whether the parts have percentiles. */
    public boolean hasPercentiles() {
        return !Float.isNaN(p9999[p9999.length - 1]);
    }
}
