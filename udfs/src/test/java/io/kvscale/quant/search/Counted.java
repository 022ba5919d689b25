package io.kvscale.quant.search;

import io.kvscale.observer.Range;
import io.kvscale.observer.histogram.ValueCounts;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Values that a test made, one by one and counted. */
record Counted(String name, float[] values) {
    /** The shapes of distributions that searches get wrong. */
    enum Shape {
        BELL,
        HEAVY_TAILS,
        FEW_NUMBERS,
        ONE_NUMBER,
        NEGATIVE,
        TWO_CLUSTERS,
        SKEWED,
        ONE_OUTLIER;

        private float next(Random random, int i) {
            double bell = random.nextGaussian();
            return (float)
                    switch (this) {
                        case BELL -> bell;
                        case HEAVY_TAILS -> bell / Math.max(1e-3, Math.abs(random.nextGaussian()));
                        case FEW_NUMBERS -> new double[] {-3, -0.7, 0.01, 1, 2.9}[random.nextInt(5)];
                        case ONE_NUMBER -> 0.3;
                        case NEGATIVE -> -Math.abs(bell) - 0.5;
                        case TWO_CLUSTERS -> (i % 10 == 0 ? 1000 : 1) * (1 + 0.1 * bell);
                        case SKEWED -> Math.exp(bell) - 0.5;
                        case ONE_OUTLIER -> i == 0 ? 40 : bell;
                    };
        }
    }

    /** Numbers of bf16. */
    static Counted of(Shape shape, int size, long seed) {
        Random random = new Random(seed);
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(shape.next(random, i)) & 0xffff0000);
        }
        return new Counted(shape + " " + size + " " + seed, values);
    }

    ValueCounts counts() {
        TreeMap<Float, Long> counts = new TreeMap<>();
        for (float x : values) {
            counts.merge(x, 1L, Long::sum);
        }
        float[] distinct = new float[counts.size()];
        long[] times = new long[distinct.length];
        int i = 0;
        for (Map.Entry<Float, Long> entry : counts.entrySet()) {
            distinct[i] = entry.getKey();
            times[i++] = entry.getValue();
        }
        return new ValueCounts(distinct, times, false);
    }

    Range range() {
        float[] sorted = sorted();
        return new Range(sorted[0], sorted[sorted.length - 1]);
    }

    float[] sorted() {
        float[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted;
    }
}
