package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import org.jspecify.annotations.Nullable;

/**
 * The ranges of batches folded in the order of the corpus: the first as it is, every later one x by
 * {@code s = r(r(s * (1 - c)) + r(x * c))}, as llm-compressor's {@code minmax} observer does on one rank.
 *
 * <p>With c = 1 nothing but the last batch remains, which is {@code memoryless_minmax}.
 */
final class MovingAverage {
    private MovingAverage() {}

    /** @throws io.kvscale.tensor.InvalidDataException if the statistics kept other batches, or none */
    static Range[] of(SlotStatistics statistics, @Nullable BatchPolicy needed, double constant, Dtype step) {
        BatchPolicy kept = statistics.batchPolicy();
        if (needed == null || !needed.equals(kept)) {
            throw ScaleSet.problem(
                    "the statistics do not hold the range of every batch that this observer and strategy need",
                    "run calibrate with this recipe, or take observer static_minmax");
        }
        float c = (float) constant;
        float rest = (float) (1 - constant);
        Range[][] state = new Range[1][];
        statistics.forEachBatch(batch -> {
            if (state[0] == null || constant == 1.0) {
                state[0] = batch;
                return;
            }
            for (int i = 0; i < batch.length; i++) {
                state[0][i] = fold(state[0][i], batch[i], c, rest, step);
            }
        });
        return state[0] == null ? statistics.ranges(needed.channelsPerScale()) : state[0];
    }

    private static Range fold(Range old, Range now, float c, float rest, Dtype step) {
        if (old.isEmpty() || now.isEmpty()) {
            return old.isEmpty() ? now : old;
        }
        return new Range(average(old.min(), now.min(), c, rest, step), average(old.max(), now.max(), c, rest, step));
    }

    private static float average(float old, float now, float c, float rest, Dtype step) {
        return step.round(step.round(old * rest) + step.round(now * c));
    }
}
