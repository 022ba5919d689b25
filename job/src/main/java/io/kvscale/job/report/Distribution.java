package io.kvscale.job.report;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A coarse histogram of the values of a slot.
 *
 * @param bins counts per bin of equal width, from the minimum to the maximum; one bin if both are equal
 * @param nearlyAll the 99.99th percentile of |x|: the least number that at least 99.99 % of all |x| do not exceed
 */
record Distribution(long[] bins, float nearlyAll) {
    static final int BINS = 128;
    private static final double NEARLY = 0.9999;

    /** Null if the statistics hold only ranges. */
    static @Nullable Distribution of(SlotStatistics seen) {
        ValueCounts counts = seen.histogram(0, seen.geometry().heads());
        if (counts == null || counts.values().length == 0) {
            return null;
        }
        return new Distribution(binned(counts), nearlyAll(counts));
    }

    private static long[] binned(ValueCounts counts) {
        float[] values = counts.values();
        double least = values[0];
        double width = (values[values.length - 1] - least) / BINS;
        if (width == 0) {
            return new long[] {Arrays.stream(counts.counts()).sum()};
        }
        long[] bins = new long[BINS];
        for (int i = 0; i < values.length; i++) {
            bins[(int) Math.min(BINS - 1, (values[i] - least) / width)] += counts.counts()[i];
        }
        return bins;
    }

    private static float nearlyAll(ValueCounts counts) {
        float[] values = counts.values();
        int[] bySize = IntStream.range(0, values.length)
                .boxed()
                .sorted(Comparator.comparing(i -> Math.abs(values[i])))
                .mapToInt(Integer::intValue)
                .toArray();
        double wanted = NEARLY * Arrays.stream(counts.counts()).sum();
        long below = 0;
        int at = 0;
        while ((below += counts.counts()[bySize[at]]) < wanted) {
            at++;
        }
        return Math.abs(values[bySize[at]]);
    }
}
