package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.Range;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Clips the range at the threshold of {@code |x|} where the clipped and quantized distribution is nearest to the observed one
 * by the Kullback-Leibler divergence, after TensorRT's calibrator. For integer formats.
 *
 * <p>The histogram has {@value #BINS} equal bins of {@code |x|} up to the greatest. Every i from {@value #FIRST} to
 * {@value #BINS} is a candidate:
 *
 * <ul>
 *   <li>P is the first i bins; the counts beyond them are added to the last.
 *   <li>Q is the first i bins without that addition, merged into {@code levels} runs: bin j goes into run
 *       {@code j * levels / i}. The count of a run is spread evenly over its bins that are not empty.
 *   <li>P and Q are normalized to a sum of 1. The divergence is infinite where P has values and Q has none.
 * </ul>
 *
 * <p>The threshold is the upper edge of the last kept bin for the least divergence; the greatest i wins a tie.
 */
public record Entropy() implements CountingRule {
    private static final int BINS = 2_048;
    private static final int FIRST = 128;

    @Override
    public String word() {
        return "entropy";
    }

    @Override
    public void check(NumberFormat format, Strategy strategy) {
        CountingRule.super.check(format, strategy);
        if (!format.isInteger()) {
            String integers = Arrays.stream(NumberFormat.values())
                    .filter(NumberFormat::isInteger)
                    .map(NumberFormat::word)
                    .collect(Collectors.joining(" and "));
            throw new InvalidSchemeException(
                    "observer",
                    "observer entropy is for " + integers + ", not for " + format.word(),
                    "say type: int, or observer: mse");
        }
    }

    @Override
    public Range choose(ValueCounts counts, Range all, QuantizationScheme scheme, Dtype step, IntegerGrid grid) {
        return CountingRule.clip(
                all, threshold(counts, all, 1 << (scheme.format().bits() - 1)));
    }

    /** @param levels magnitudes of the format: 128 for int8 */
    static float threshold(ValueCounts counts, Range all, int levels) {
        float largest = Math.max(-all.min(), all.max());
        int kept = keptBins(bins(counts, largest), levels);
        return kept == BINS ? largest : (float) (kept * (double) largest / BINS);
    }

    private static long[] bins(ValueCounts counts, float largest) {
        long[] bins = new long[BINS];
        for (int i = 0; i < counts.values().length; i++) {
            int bin = (int) (Math.abs((double) counts.values()[i]) * BINS / largest);
            bins[Math.min(bin, BINS - 1)] += counts.counts()[i];
        }
        return bins;
    }

    private static int keptBins(long[] bins, int levels) {
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
        // KL is a sum over bins of P's count times (ln P - ln Q): first ln P, then, run by run, ln Q.
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
