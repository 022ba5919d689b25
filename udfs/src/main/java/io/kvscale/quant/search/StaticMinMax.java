package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.QuantizationScheme;

/** The least and the greatest of all values, which do not depend on their order. The default. */
public record StaticMinMax() implements RangeRule {
    @Override
    public String word() {
        return "static_minmax";
    }

    @Override
    public Range[] ranges(SlotStatistics statistics, QuantizationScheme scheme, Dtype step, IntegerGrid grid) {
        return statistics.ranges(scheme.channelsPerScale(statistics.geometry()));
    }
}
