package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.InsufficientStatisticsException;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.DataProblem;

/** An observer that chooses a range from histograms. Heads without values, or with zeros only, keep their observed range. */
interface CountingRule extends RangeRule {
    /**
     * The range of the heads that share a scale.
     *
     * @param counts at least one value other than 0
     * @param all the observed range, not zeros only; the counted values lie within, except for their rounding
     */
    Range choose(ValueCounts counts, Range all, QuantizationScheme scheme, Dtype step, IntegerGrid grid);

    @Override
    default Needs needs() {
        return Needs.HISTOGRAMS;
    }

    @Override
    default void check(NumberFormat format, Strategy strategy) {
        if (strategy == Strategy.TENSOR_GROUP) {
            throw new InvalidSchemeException(
                    "observer",
                    "observer " + word() + " gives no global scale of NVFP4: histograms do not show the local scales",
                    "say observer: static_minmax, or percentile");
        }
    }

    @Override
    default Range[] ranges(SlotStatistics statistics, QuantizationScheme scheme, Dtype step, IntegerGrid grid) {
        int channels = scheme.channelsPerScale(statistics.geometry());
        int headsPerScale = channels / statistics.geometry().headDim();
        Range[] ranges = statistics.ranges(channels);
        for (int i = 0; i < ranges.length; i++) {
            Range all = ranges[i];
            if (!all.isEmpty() && (all.min() != 0 || all.max() != 0)) {
                ValueCounts counts = statistics.histogram(i * headsPerScale, headsPerScale);
                if (counts == null) {
                    throw new InsufficientStatisticsException(DataProblem.of(
                            "observer " + word() + " needs histograms, and the statistics hold ranges only",
                            "collect them again with statistics: histogram (under kvscale in the recipe, or the last"
                                    + " argument of kv_stats_agg), or take observer static_minmax"));
                }
                // The least F32 values are counted as 0.
                ranges[i] = isZero(counts) ? all : choose(counts, all, scheme, step, grid);
            }
        }
        return ranges;
    }

    private static boolean isZero(ValueCounts counts) {
        float[] values = counts.values();
        return values[0] == 0 && values[values.length - 1] == 0;
    }

    /** The part of a range with absolute values up to {@code limit}. */
    static Range clip(Range all, float limit) {
        return new Range(Math.max(all.min(), -limit), Math.min(all.max(), limit));
    }
}
