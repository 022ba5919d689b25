package io.kvscale.quant;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.scheme.GlobalScale;

/**
 * How far the least or the greatest value of a slot goes beyond its scales, whichever is more: of all heads, or of the head
 * where that is most if heads have scales of their own. It needs no histogram. The channels of a head are taken together,
 * because single ones vary more.
 *
 * @param value the value
 * @param end the end of the range that the scales reach, on its side
 * @param width the width of that range
 */
record Excess(double value, double end, double width) {
    static Excess of(SlotStatistics seen, ScaleSet set) {
        int channels = set.scheme().channelsPerScale(seen.geometry());
        Range[] observed = seen.ranges(Math.max(channels, seen.geometry().headDim()));
        int scales = set.ranges().length / observed.length;
        GlobalScale convention = set.scheme().globalScale();
        float headroom = convention == null ? 1 : convention.headroom();
        Excess most = new Excess(0, 0, 0);
        for (int i = 0; i < observed.length; i++) {
            double least = 0;
            double greatest = 0;
            for (int scale = i * scales; scale < (i + 1) * scales; scale++) {
                Range range = set.ranges()[scale];
                if (!range.isEmpty()) {
                    least = Math.min(least, range.min());
                    greatest = Math.max(greatest, range.max());
                }
            }
            if (set.scheme().symmetric()) {
                greatest = Math.max(-least, greatest) * headroom;
                least = -greatest;
            }
            if (!observed[i].isEmpty()) {
                double width = greatest - least;
                most = most.further(new Excess(Math.min(0, observed[i].min()), least, width));
                most = most.further(new Excess(Math.max(0, observed[i].max()), greatest, width));
            }
        }
        return most;
    }

    private Excess further(Excess other) {
        return other.share() > share() ? other : this;
    }

    /** The part of the range's width by which the value is beyond it; infinite if the range is only 0. */
    double share() {
        double beyond = end > 0 || end == 0 && value > 0 ? value - end : end - value;
        return beyond <= 0 ? 0 : beyond / width;
    }

    /** Whether the value is clipped, by more than the error of rounding. */
    boolean isClipped(NumberFormat format) {
        return share() > Ends.halfStep(format) / ((double) format.max() - format.min());
    }
}
