package io.kvscale.quant;

import io.kvscale.observer.Range;
import io.kvscale.observer.histogram.ValueCounts;

/**
 * The threshold of {@code |x|} whose clipped and quantized distribution is nearest to the observed one, by the
 * Kullback-Leibler divergence, after TensorRT's calibrator.
 *
 * <p>{@value #BINS} equal bins of {@code |x|} up to the greatest. For each i from {@value #FIRST} to all bins: P is the first i
 * bins, what lies beyond added to the last of them; Q is the same bins without that, merged into {@code levels} runs (bin j into
 * run {@code j * levels / i}), each run's count spread evenly over its bins that are not empty. Both are made to sum to 1. The
 * threshold is the upper edge of bin i-1 for the least divergence, the greatest such i; one that has values in P where Q has
 * none is never chosen.
 */
final class EntropyThreshold {
    private static final int BINS = 2_048;
    private static final int FIRST = 128;

    private EntropyThreshold() {}

    /** @param all not zeros only; the counted values lie within, but for what rounding did to them */
    static float of(ValueCounts counts, Range all, int levels) {
        float largest = Math.max(-all.min(), all.max());
        long[] bins = bins(counts, largest);
        int chosen = chosen(bins, levels);
        return chosen == BINS ? largest : (float) (chosen * (double) largest / BINS);
    }

    private static long[] bins(ValueCounts counts, float largest) {
        long[] bins = new long[BINS];
        for (int i = 0; i < counts.values().length; i++) {
            int bin = (int) (Math.abs((double) counts.values()[i]) * BINS / largest);
            bins[Math.min(bin, BINS - 1)] += counts.counts()[i];
        }
        return bins;
    }

    /** How many bins are kept. */
    static int chosen(long[] bins, int levels) {
        long[] below = new long[BINS + 1];
        int[] used = new int[BINS + 1];
        double[] logs = new double[BINS + 1];
        for (int j = 0; j < BINS; j++) {
            below[j + 1] = below[j] + bins[j];
            used[j + 1] = used[j] + (bins[j] > 0 ? 1 : 0);
            logs[j + 1] = logs[j] + timesLog(bins[j]);
        }
        int best = BINS;
        double least = Double.POSITIVE_INFINITY;
        for (int i = BINS; i >= FIRST; i--) {
            double divergence = divergence(bins, below, used, logs, i, levels);
            if (divergence < least) {
                least = divergence;
                best = i;
            }
        }
        return best;
    }

    private static double divergence(long[] bins, long[] below, int[] used, double[] logs, int kept, int levels) {
        long all = below[BINS];
        long beyond = all - below[kept];
        if (below[kept] == 0 || (beyond > 0 && bins[kept - 1] == 0)) {
            return Double.POSITIVE_INFINITY;
        }
        // Sum over bins of c ln c, with what lies beyond in the last; then, run by run, the counts times ln of Q's
        // share.
        double sum = logs[kept - 1] + timesLog(bins[kept - 1] + beyond);
        int from = 0;
        for (int level = 0; level < levels; level++) {
            int to = (int) (((long) (level + 1) * kept + levels - 1) / levels);
            long count = below[to] - below[from];
            if (count > 0) {
                long mass = count + (level == levels - 1 ? beyond : 0);
                sum -= mass * StrictMath.log(count / (double) (used[to] - used[from]));
            }
            from = to;
        }
        return sum / all + StrictMath.log(below[kept] / (double) all);
    }

    private static double timesLog(long count) {
        return count == 0 ? 0 : count * StrictMath.log(count);
    }
}
