package io.kvscale.job.report;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.SlotError;
import io.kvscale.quant.search.Mse;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales;
import java.util.Arrays;
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
    static final List<QuantizationScheme> SCHEMES = Arrays.stream(NumberFormat.values())
            .flatMap(format -> Stream.of(new StaticMinMax(), new Mse(2))
                    .map(observer -> QuantizationScheme.of(format, Strategy.TENSOR, true, observer)))
            .toList();

    /** The scheme with which scale 1.0 is compared if the recipe's scales are not fp8 e4m3. */
    static final QuantizationScheme FP8 = SCHEMES.get(0);

    /** The error under {@link #FP8}. */
    SlotError fp8() {
        return candidates.get(0);
    }

    /** Null without histograms. */
    static @Nullable SchemeErrors of(SlotScales scales, SlotStatistics seen) {
        if (!seen.hasHistograms() || seen.isEmpty()) {
            return null;
        }
        return new SchemeErrors(
                SlotError.of(seen, scales.scheme(), scales.scale(), scales.zeroPoint()),
                SCHEMES.stream()
                        .map(scheme -> Objects.requireNonNull(SlotError.of(seen, scheme)))
                        .toList());
    }
}
