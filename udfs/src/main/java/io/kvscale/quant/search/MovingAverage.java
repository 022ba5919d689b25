package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.Kwargs;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
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
            throw Kwargs.outOfBounds(KEY, averagingConstant, "a number above 0, at most 1");
        }
    }

    @Override
    public String word() {
        return "minmax";
    }

    @Override
    public List<String> keys() {
        return List.of(KEY);
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
    public BatchPolicy policy(QuantizationScheme scheme, Geometry geometry) {
        return new BatchPolicy(scheme.channelsPerScale(geometry), false);
    }

    @Override
    public Range[] ranges(SlotStatistics statistics, QuantizationScheme scheme, Dtype step) {
        float c = (float) averagingConstant;
        float rest = (float) (1 - averagingConstant);
        BinaryOperator<Range> average = averagingConstant == 1.0
                ? (old, now) -> now
                : (old, now) -> old.isEmpty() || now.isEmpty()
                        ? (old.isEmpty() ? now : old)
                        : new Range(
                                step.round(step.round(old.min() * rest) + step.round(now.min() * c)),
                                step.round(step.round(old.max() * rest) + step.round(now.max() * c)));
        return fold(statistics, policy(scheme, statistics.geometry()), average);
    }

    /** Folds the ranges of all batches in the order of the corpus. */
    static Range[] fold(SlotStatistics statistics, BatchPolicy needed, BinaryOperator<Range> next) {
        if (!needed.equals(statistics.batchPolicy())) {
            throw new InvalidDataException(DataProblem.of(
                    "the statistics do not hold the range of every batch that this observer and strategy need",
                    "run calibrate with this recipe, or take observer static_minmax"));
        }
        Range[][] state = new Range[1][];
        statistics.forEachBatch(batch -> {
            if (state[0] == null) {
                state[0] = batch;
                return;
            }
            for (int i = 0; i < batch.length; i++) {
                state[0][i] = next.apply(state[0][i], batch[i]);
            }
        });
        return state[0] == null ? statistics.ranges(needed.channelsPerScale()) : state[0];
    }
}
