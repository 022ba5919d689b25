package io.kvscale.job.drift;

import io.kvscale.observer.histogram.ValueCounts;

/**
 * The Kolmogorov-Smirnov distance of two samples: the greatest difference, over all x, between the shares of values up to x. 0
 * for equal distributions, 1 if all values of one are below all of the other. Histograms by bit pattern give it exactly.
 *
 * <p>The total variation distance is exact too, but of two samples of the same distribution it grows with the number of
 * distinct values, which is thousands here. This one is below 2 / sqrt(n) for n values in nearly all samples.
 */
final class KolmogorovSmirnov {
    private KolmogorovSmirnov() {}

    /** @throws ArithmeticException if a number of values overflows 63 bits */
    static double distance(ValueCounts a, ValueCounts b) {
        double allA = a.total();
        double allB = b.total();
        long upToA = 0;
        long upToB = 0;
        int i = 0;
        int j = 0;
        double greatest = 0;
        while (i < a.values().length && j < b.values().length) {
            float x = Math.min(a.values()[i], b.values()[j]);
            // -0 and +0 are one number.
            while (i < a.values().length && a.values()[i] <= x) {
                upToA += a.counts()[i++];
            }
            while (j < b.values().length && b.values()[j] <= x) {
                upToB += b.counts()[j++];
            }
            greatest = Math.max(greatest, Math.abs(upToA / allA - upToB / allB));
        }
        return greatest;
    }
}
