package io.kvscale.quant;

import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;

/**
 * How far the values of a slot go beyond its scales: of all heads, or of the head where that is most if heads have scales of
 * their own. It needs no histogram. The channels of a head are taken together, because single ones vary more.
 *
 * @param largest the maximum |x|
 * @param reach the greatest |x| of the ranges behind the scales
 */
record Excess(double largest, double reach) {
    static Excess of(SlotStatistics seen, ScaleSet set) {
        int channels = set.scheme().channelsPerScale(seen.geometry());
        Range[] observed = seen.ranges(Math.max(channels, seen.geometry().headDim()));
        int scales = set.ranges().length / observed.length;
        Excess most = new Excess(0, 0);
        for (int i = 0; i < observed.length; i++) {
            double reach = 0;
            for (int scale = i * scales; scale < (i + 1) * scales; scale++) {
                reach = Math.max(reach, absmax(set.ranges()[scale]));
            }
            Excess one = new Excess(absmax(observed[i]), reach);
            most = one.ratio() > most.ratio() ? one : most;
        }
        return most;
    }

    private static double absmax(Range range) {
        return range.isEmpty() ? 0 : Math.max(Math.abs(range.min()), Math.abs(range.max()));
    }

    /** At most 1 if no value is clipped; infinite if the scales reach nothing. */
    double ratio() {
        return largest == 0 ? 0 : largest / reach;
    }
}
