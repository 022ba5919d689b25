package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.InsufficientStatisticsException;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.Kwargs;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.DataProblem;
import java.util.Arrays;
import java.util.Map;
import java.util.function.BinaryOperator;

/**
 * A moving average of the batches' ranges in the order of (file, position in the file), as llm-compressor's {@code minmax}
 * observer computes it on one rank. It starts with the first batch; a later batch x gives
 * {@code s = r(r(s * (1 - c)) + r(x * c))}.
 *
 * @param averagingConstant c, the weight of the next batch, within (0, 1]
 */
public record MovingAverage(double averagingConstant) implements RangeRule {
    private static final String KEY = "averaging_constant";

    public MovingAverage() {
        this(0.01);
    }

    public MovingAverage {
        if (!(averagingConstant > 0 && averagingConstant <= 1)) {
            throw Kwargs.outOfBounds(KEY, averagingConstant, "a number within (0, 1]");
        }
    }

    @Override
    public String word() {
        return "minmax";
    }

    @Override
    public MovingAverage with(Kwargs kwargs) {
        return new MovingAverage(kwargs.number(KEY, averagingConstant));
    }

    @Override
    public Map<String, Double> kwargs() {
        return Map.of(KEY, averagingConstant);
    }

    @Override
    public Needs needs() {
        return Needs.BATCHES;
    }

    @Override
    public Range[] ranges(SlotStatistics statistics, QuantizationScheme scheme, Dtype step, IntegerGrid grid) {
        float c = (float) averagingConstant;
        float rest = (float) (1 - averagingConstant);
        BinaryOperator<Range> average = averagingConstant == 1.0
                ? (old, now) -> now
                : (old, now) -> old.isEmpty() || now.isEmpty()
                        ? (old.isEmpty() ? now : old)
                        : new Range(
                                step.round(step.round(old.min() * rest) + step.round(now.min() * c)),
                                step.round(step.round(old.max() * rest) + step.round(now.max() * c)));
        return fold(statistics, scheme, average);
    }

    /** Folds the ranges of all batches in the order of the corpus. */
    static Range[] fold(SlotStatistics statistics, QuantizationScheme scheme, BinaryOperator<Range> next) {
        int channels = scheme.channelsPerScale(statistics.geometry());
        BatchPolicy needed = new BatchPolicy(channels, scheme.observer().needs() == Needs.LAST_BATCH);
        if (!needed.equals(statistics.batchPolicy())) {
            throw new InsufficientStatisticsException(DataProblem.of(
                    "the statistics do not hold the range of every batch that this observer and strategy need",
                    "run calibrate with this recipe, or take observer static_minmax"));
        }
        BinaryOperator<Range[]> fold = (state, batch) -> {
            Arrays.setAll(state, i -> next.apply(state[i], batch[i]));
            return state;
        };
        return statistics.batches().reduce(fold).orElseGet(() -> statistics.ranges(channels));
    }
}
