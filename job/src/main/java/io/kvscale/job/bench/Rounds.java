package io.kvscale.job.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;

/**
 * Measures several things in turns, so that whatever else the machine does falls on all of them alike.
 *
 * @param bytes what one call of a measured thing goes through
 * @param seconds how long rounds are repeated, at least {@link #LEAST} of them; before that, a quarter as long unmeasured
 */
record Rounds(long bytes, double seconds) {
    private static final int LEAST = 5;
    private static final double GIGA = 1e9;

    /** The median rate of each by its name, in GB/s. */
    ToDoubleFunction<String> medians(Map<String, ? extends Callable<?>> measured) throws Exception {
        // The JIT needs a second or two of the very code that is measured.
        run(measured, seconds / 4);
        Map<String, List<Double>> rates = run(measured, seconds);
        return name -> median(rates.getOrDefault(name, List.of()));
    }

    private Map<String, List<Double>> run(Map<String, ? extends Callable<?>> measured, double limit) throws Exception {
        Map<String, List<Double>> rates = new LinkedHashMap<>();
        long begin = System.nanoTime();
        for (int round = 0; round < LEAST || System.nanoTime() - begin < limit * GIGA; round++) {
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
