package io.kvscale.quant;

import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.quant.search.Mse;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.SlotScales;
import org.jspecify.annotations.Nullable;

/**
 * Counts the values of a slot that its scales clip: those beyond the greatest number of the format by more than half of its
 * last step, which is the error of rounding. A range of minimum and maximum clips none.
 *
 * @param clipped number of clipped values
 * @param values number of finite values
 */
public record Clipping(long clipped, long values) {
    /**
     * The values that the scales of a table clip, which may come from other values than these. The rounding of a scale to its
     * type clips none.
     *
     * @return null if it is not known: where a value is beyond, without histograms or where a scale is not for whole heads
     */
    public static @Nullable Clipping of(SlotStatistics seen, SlotScales scales) {
        QuantizationScheme scheme = scales.scheme();
        double rounding = 1 + scheme.step(seen.geometry()).epsilon();
        return count(seen, scheme, (observed, i) -> {
            Ends ends = Ends.ofRounding(scheme, new QuantParameters(scales.scale()[i], scales.zeroPoint()[i]))
                    .times(rounding);
            return ends.contains(observed) ? null : ends;
        });
    }

    /** Null if it is not known: without histograms, and where a scale is not for whole heads. */
    static @Nullable Clipping of(SlotStatistics seen, ScaleSet set) {
        return count(seen, set.scheme(), (observed, i) -> {
            Range range = set.ranges()[i];
            return range.min() <= observed.min() && range.max() >= observed.max()
                    ? null
                    : Ends.ofRounding(set.scheme(), set.parameters()[i]);
        });
    }

    /** The ends of one scale, for what was observed under it; null if nothing of that is clipped. */
    private interface ExceededEnds {
        @Nullable
        Ends of(Range observed, int scale);
    }

    private static @Nullable Clipping count(SlotStatistics seen, QuantizationScheme scheme, ExceededEnds exceeded) {
        int channels = scheme.channelsPerScale(seen.geometry());
        int heads = channels / seen.geometry().headDim();
        Range[] observed = seen.ranges(channels);
        long clipped = 0;
        for (int i = 0; i < observed.length; i++) {
            Ends ends = exceeded.of(observed[i], i);
            if (ends == null) {
                continue;
            }
            ValueCounts counts = heads == 0 ? null : seen.histogram(i * heads, heads);
            if (counts == null) {
                return null;
            }
            clipped += ends.beyond(counts);
        }
        return new Clipping(clipped, seen.finite());
    }

    /** The share of all values, from 0 to 1. */
    public double share() {
        return values == 0 ? 0 : (double) clipped / values;
    }

    /** The share of all values in percent. */
    double percent() {
        return values == 0 ? 0 : 100.0 * clipped / values;
    }

    /**
     * Whether clipping makes the squared error larger than the full range would. It often makes that of 4 bits smaller, because
     * the other values get smaller steps. {@code mse} clips where that is so, unless its norm is low or its grid coarse.
     *
     * @param error the error with the scales that clip; null if it is not known, which counts as a loss
     */
    static boolean isLoss(SlotStatistics seen, QuantizationScheme scheme, @Nullable SlotError error) {
        // The default searches all ranges. Only values at the limits of their type make its squared error larger.
        if (scheme.observer().equals(new Mse())) {
            return false;
        }
        SlotError full = error == null ? null : SlotError.of(seen, scheme.withDefaultObserver());
        return full == null || error == null || error.noise() > full.noise();
    }
}
