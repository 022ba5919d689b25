package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.observer.InsufficientStatisticsException;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;

/**
 * The ranges that no position of a token leaves: both channels of a RoPE pair reach the pair's greatest norm, which rotation
 * keeps. Only for K.
 */
public record Envelope() implements RangeRule {
    /** The value of {@code observer} in recipes. */
    public static final String WORD = "envelope";

    @Override
    public String word() {
        return WORD;
    }

    @Override
    public Needs needs() {
        return Needs.PAIRS;
    }

    @Override
    public Range[] ranges(SlotStatistics statistics, QuantizationScheme scheme, Dtype step, IntegerGrid grid) {
        Range[] ranges = statistics.envelope(scheme.channelsPerScale(statistics.geometry()));
        if (ranges == null) {
            throw new InsufficientStatisticsException(DataProblem.of(
                    "observer envelope needs the norms of RoPE pairs, and the statistics hold none",
                    "calibrate again with statistics: pairs under kvscale and the model's config.json, or take observer"
                            + " static_minmax"));
        }
        for (Range range : ranges) {
            if (range.max() == Float.POSITIVE_INFINITY) {
                throw new InvalidDataException(DataProblem.of(
                        "the norm of a RoPE pair is above the greatest number of float32",
                        "take observer static_minmax"));
            }
        }
        return ranges;
    }
}
