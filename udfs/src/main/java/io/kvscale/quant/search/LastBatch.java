package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.QuantizationScheme;

/** The range of the last batch in the order of (file, position in the file). */
public record LastBatch() implements RangeRule {
    @Override
    public String word() {
        return "memoryless_minmax";
    }

    @Override
    public Needs needs() {
        return Needs.LAST_BATCH;
    }

    @Override
    public Range[] ranges(SlotStatistics statistics, QuantizationScheme scheme, Dtype step, IntegerGrid grid) {
        return MovingAverage.fold(statistics, scheme, (average, batch) -> batch);
    }
}
