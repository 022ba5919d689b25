package io.kvscale.job.bench;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.ScaleSet;
import io.kvscale.quant.search.Mse;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;

/**
 * Time of the {@code mse} observer to derive the scale of a slot from its histogram, for fp8 e4m3 and int8 in turn.
 *
 * @param one milliseconds per slot on one thread
 * @param two milliseconds per slot on two threads
 */
record DeriveTime(double one, double two) {
    private static final double NANOS_PER_MILLI = 1e6;

    static DeriveTime measure(CalibrationStatistics statistics, Threads threads, double seconds) throws Exception {
        List<Callable<Object>> slots = new ArrayList<>();
        for (SlotStatistics slot : statistics.slots().values()) {
            for (NumberFormat format : new NumberFormat[] {NumberFormat.FP8_E4M3, NumberFormat.INT8}) {
                QuantizationScheme scheme = QuantizationScheme.of(format, Strategy.TENSOR, true, new Mse());
                slots.add(() -> ScaleSet.derive(slot, scheme));
            }
        }
        int half = slots.size() / 2;
        ToDoubleFunction<String> perNano = new Rounds(slots.size(), seconds)
                .medians(Map.of(
                        "one", () -> threads.together(List.of(all(slots))),
                        "two",
                                () -> threads.together(
                                        List.of(all(slots.subList(0, half)), all(slots.subList(half, slots.size()))))));
        return new DeriveTime(
                1 / perNano.applyAsDouble("one") / NANOS_PER_MILLI, 1 / perNano.applyAsDouble("two") / NANOS_PER_MILLI);
    }

    private static Callable<Object> all(List<Callable<Object>> calls) {
        return () -> {
            Object last = calls;
            for (Callable<Object> call : calls) {
                last = call.call();
            }
            return last;
        };
    }
}
