package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;

/** An observer with its rule from statistics to ranges. */
public interface RangeRule extends Observer {
    /**
     * One range per scale, row-major in the scale's shape; empty where no finite value was observed.
     *
     * @param step the type that ranges are rounded to: F32, or the type of K and V
     * @param grid how the ranges become scales; only rules that {@link #triesScales} use it
     * @throws io.kvscale.tensor.InvalidDataException if the statistics lack what the observer needs; it names no slot
     * @throws io.kvscale.numeric.RangeOverflowException if a range overflows {@code step}
     */
    Range[] ranges(SlotStatistics statistics, QuantizationScheme scheme, Dtype step, IntegerGrid grid);

    /** Whether the rule compares the scales of ranges, so that its ranges depend on the grid. */
    default boolean triesScales() {
        return false;
    }
}
