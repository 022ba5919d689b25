package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Geometry;

/** The range of the last batch in the order of (file, position in the file). */
public record LastBatch() implements RangeRule {
    @Override
    public String word() {
        return "memoryless_minmax";
    }

    @Override
    public Needs needs() {
        return Needs.BATCHES;
    }

    @Override
    public BatchPolicy policy(QuantizationScheme scheme, Geometry geometry) {
        return new BatchPolicy(scheme.channelsPerScale(geometry), true);
    }

    @Override
    public Range[] ranges(SlotStatistics statistics, QuantizationScheme scheme, Dtype step) {
        return MovingAverage.fold(statistics, policy(scheme, statistics.geometry()), (average, batch) -> batch);
    }
}
