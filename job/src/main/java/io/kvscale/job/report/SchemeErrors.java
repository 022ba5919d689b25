package io.kvscale.job.report;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.SlotError;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.ObserverKwargs;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotScales;
import io.kvscale.scheme.Strategy;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The error of a slot under common schemes, each with one scale for all heads, and under its own scheme.
 *
 * @param own null if the slot's own scales are not by tensor or attn_head
 * @param candidates in the order of {@link #SCHEMES}
 */
record SchemeErrors(@Nullable SlotError own, List<SlotError> candidates) {
    /** Symmetric schemes. The norm is 2 because the page shows the mean squared error. */
    static final List<QuantizationScheme> SCHEMES = Stream.of(
                    NumberFormat.FP8_E4M3,
                    NumberFormat.FP8_E5M2,
                    NumberFormat.INT8,
                    NumberFormat.INT4,
                    NumberFormat.FP4_E2M1)
            .flatMap(format -> Stream.of(Observer.STATIC_MINMAX, Observer.MSE)
                    .map(observer -> QuantizationScheme.of(
                            format, Strategy.TENSOR, true, observer, ObserverKwargs.mse(2, null))))
            .toList();

    /** Null without histograms. */
    static @Nullable SchemeErrors of(SlotScales scales, SlotStatistics seen) {
        if (!seen.hasCounts() || seen.isEmpty()) {
            return null;
        }
        return new SchemeErrors(
                SlotError.of(seen, scales.scheme(), scales.scale(), scales.zeroPoint()),
                SCHEMES.stream()
                        .map(scheme -> Objects.requireNonNull(SlotError.of(seen, scheme)))
                        .toList());
    }
}
