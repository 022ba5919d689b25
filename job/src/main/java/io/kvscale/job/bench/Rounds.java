package io.kvscale.job.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;

/**
 * Measures several calls in turns, so that other load on the machine affects all of them equally.
 *
 * @param bytes processed by one call
 * @param seconds duration of the measured rounds, at least {@link #MIN_ROUNDS}; warm-up rounds take a quarter of it
 */
record Rounds(long bytes, double seconds) {
    private static final int MIN_ROUNDS = 5;
    private static final double GIGA = 1e9;

    /** The median rate of each call by name, in GB/s. */
    ToDoubleFunction<String> medians(Map<String, ? extends Callable<?>> measured) throws Exception {
        // Warm-up: the JIT compiler needs one or two seconds of the measured code.
        run(measured, seconds / 4);
        Map<String, List<Double>> rates = run(measured, seconds);
        return name -> median(rates.getOrDefault(name, List.of()));
    }

    private Map<String, List<Double>> run(Map<String, ? extends Callable<?>> measured, double limit) throws Exception {
        Map<String, List<Double>> rates = new LinkedHashMap<>();
        long begin = System.nanoTime();
        for (int round = 0; round < MIN_ROUNDS || System.nanoTime() - begin < limit * GIGA; round++) {
            for (Map.Entry<String, ? extends Callable<?>> one : measured.entrySet()) {
                long start = System.nanoTime();
                one.getValue().call();
                double rate = bytes / (double) (System.nanoTime() - start);
                rates.computeIfAbsent(one.getKey(), key -> new ArrayList<>()).add(rate);
            }
        }
        return rates;
    }

    static double median(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
