package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import java.math.BigDecimal;
import java.math.RoundingMode;

/** The ranges of observers that look at how often every value occurs. Zeros only, or no values, keep their range. */
final class CountedRanges {
    private CountedRanges() {}

    /** @throws io.kvscale.tensor.InvalidDataException if values were not counted, or too many are 0 for a percentile */
    static Range[] of(SlotStatistics statistics, QuantizationScheme scheme, Dtype step) {
        int heads = statistics.geometry().heads();
        int channels = scheme.strategy().channelsPerScale(statistics.geometry(), scheme.groupSize());
        int perScale = channels / statistics.geometry().headDim();
        Range[] ranges = statistics.ranges(channels);
        for (int i = 0; i < heads / perScale; i++) {
            Range all = ranges[i];
            if (!all.isEmpty() && (all.min() != 0 || all.max() != 0)) {
                ranges[i] = chosen(counts(statistics, scheme.observer(), i * perScale, perScale), all, scheme, step);
            }
        }
        return ranges;
    }

    private static ValueCounts counts(SlotStatistics statistics, Observer observer, int firstHead, int heads) {
        ValueCounts counts = statistics.counts(firstHead, heads);
        if (counts == null) {
            throw ScaleSet.problem(
                    "observer " + observer.word() + " needs histograms, and the statistics hold ranges only",
                    "collect them again with statistics: histogram (under kvscale in the recipe, or the last argument of"
                            + " kv_stats_agg), or take observer static_minmax");
        }
        return counts;
    }

    private static Range chosen(ValueCounts counts, Range all, QuantizationScheme scheme, Dtype step) {
        return switch (scheme.observer()) {
            case MSE -> MseRange.of(counts, all, scheme, step);
            case PERCENTILE -> {
                float most = percentile(counts, scheme.kwargs().percentile());
                float[] values = counts.values();
                // Nothing to clip; of rounded values the true extremes are known all the same.
                yield most == Math.max(-values[0], values[values.length - 1]) ? all : clipped(all, most);
            }
            case ENTROPY ->
                clipped(
                        all,
                        EntropyThreshold.of(counts, all, 1 << (scheme.format().bits() - 1)));
            case STATIC_MINMAX, MINMAX, MEMORYLESS_MINMAX ->
                throw new IllegalArgumentException(scheme.observer() + " does not count");
        };
    }

    private static Range clipped(Range all, float most) {
        return new Range(Math.max(all.min(), -most), Math.min(all.max(), most));
    }

    /** The least {@code |x|} with at least so many percent of all not above it. */
    static float percentile(ValueCounts counts, double percentile) {
        long all = 0;
        for (long count : counts.counts()) {
            all = Math.addExact(all, count);
        }
        long needed = BigDecimal.valueOf(percentile)
                .multiply(BigDecimal.valueOf(all))
                .divide(BigDecimal.valueOf(100), 0, RoundingMode.CEILING)
                .longValueExact();
        float[] values = counts.values();
        int low = 0;
        int high = values.length - 1;
        long left = all;
        // The greatest magnitude is at one end or the other, or at both.
        for (float x = Math.max(-values[low], values[high]); x > 0; x = Math.max(-values[low], values[high])) {
            left -= -values[low] == x ? counts.counts()[low++] : 0;
            left -= high >= low && values[high] == x ? counts.counts()[high--] : 0;
            if (left < needed) {
                return x;
            }
        }
        throw ScaleSet.problem(
                "percentile " + percentile + " of |x| is 0: " + left + " of " + all + " values are zero",
                "take a higher percentile");
    }
}
