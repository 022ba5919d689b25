package io.kvscale.quant.search;

import io.kvscale.observer.histogram.ValueCounts;
import java.util.Arrays;

/**
 * Counts by absolute value, without 0.
 *
 * @param x the absolute values, ascending
 * @param positive counts of x
 * @param negative counts of -x
 * @param total counts of both
 * @param before running sums of {@code total}: {@code before[i]} covers the first i values
 * @param small running sums of {@code total * power(x)}, in the same way
 */
record FoldedCounts(float[] x, double[] positive, double[] negative, double[] total, double[] before, double[] small) {
    static FoldedCounts of(ValueCounts counts, PowerTable power) {
        float[] values = counts.values();
        int n = values.length;
        float[] x = new float[n];
        double[] positive = new double[n];
        double[] negative = new double[n];
        int p = 0;
        while (p < n && values[p] <= 0) {
            p++;
        }
        int m = p - 1;
        while (m >= 0 && values[m] == 0) {
            m--;
        }
        int size = 0;
        while (p < n || m >= 0) {
            float next = p == n ? -values[m] : m < 0 ? values[p] : Math.min(values[p], -values[m]);
            x[size] = next;
            if (p < n && values[p] == next) {
                positive[size] = counts.counts()[p++];
            }
            if (m >= 0 && -values[m] == next) {
                negative[size] = counts.counts()[m--];
            }
            size++;
        }
        double[] total = new double[size];
        double[] before = new double[size + 1];
        double[] small = new double[size + 1];
        for (int i = 0; i < size; i++) {
            total[i] = positive[i] + negative[i];
            before[i + 1] = before[i] + total[i];
            small[i + 1] = small[i] + total[i] * power.quick(x[i]);
        }
        return new FoldedCounts(
                Arrays.copyOf(x, size),
                Arrays.copyOf(positive, size),
                Arrays.copyOf(negative, size),
                total,
                before,
                small);
    }

    /** The index of the first value above {@code limit}. */
    int first(float limit) {
        int at = Arrays.binarySearch(x, limit);
        return at < 0 ? -at - 1 : at + 1;
    }
}
