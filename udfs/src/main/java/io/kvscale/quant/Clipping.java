package io.kvscale.quant;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.quant.search.Mse;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import org.jspecify.annotations.Nullable;

/**
 * Counts the values of a slot that its scales clip: those beyond the greatest number of the format by more than half of its
 * last step, which is the error of rounding. A range of minimum and maximum clips none.
 *
 * @param clipped number of clipped values
 * @param values number of finite values
 */
record Clipping(long clipped, long values) {
    /** Null if it is not known: without histograms, and where a scale is not for whole heads. */
    static @Nullable Clipping of(SlotStatistics seen, ScaleSet set) {
        int channels = set.scheme().channelsPerScale(seen.geometry());
        int heads = channels / seen.geometry().headDim();
        Range[] observed = seen.ranges(channels);
        long clipped = 0;
        for (int i = 0; i < observed.length; i++) {
            Range range = set.ranges()[i];
            if (range.min() <= observed[i].min() && range.max() >= observed[i].max()) {
                continue;
            }
            ValueCounts counts = heads == 0 ? null : seen.histogram(i * heads, heads);
            if (counts == null) {
                return null;
            }
            clipped += beyond(counts, set, i);
        }
        return new Clipping(clipped, seen.finite());
    }

    private static long beyond(ValueCounts counts, ScaleSet set, int i) {
        NumberFormat format = set.scheme().format();
        double half = halfStep(format);
        double least;
        double most;
        GlobalScale convention = set.scheme().globalScale();
        if (convention != null) {
            // The local scales of NVFP4 reach to the end of the range, or to a multiple of it.
            Range range = set.ranges()[i];
            most = Math.max(-range.min(), range.max()) * convention.headroom() * (1 + half / format.max());
            least = -most;
        } else {
            QuantParameters parameters = set.parameters()[i];
            least = (format.min() - half - parameters.zeroPoint()) * parameters.scale();
            most = (format.max() + half - parameters.zeroPoint()) * parameters.scale();
        }
        long beyond = 0;
        for (int v = 0; v < counts.values().length; v++) {
            float value = counts.values()[v];
            beyond += value < least || value > most ? counts.counts()[v] : 0;
        }
        return beyond;
    }

    /** Half of the step below the greatest number of a format: the largest error of rounding there. */
    static double halfStep(NumberFormat format) {
        return format.isInteger() ? 0.5 : Math.scalb(0.5, Math.getExponent(format.max()) - format.mantissaBits());
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
