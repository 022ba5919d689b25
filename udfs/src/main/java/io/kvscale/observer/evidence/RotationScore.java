package io.kvscale.observer.evidence;

import io.kvscale.model.config.Rotary.Pairing;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How far apart the two channels of a pair are: the median, over heads and the faster half of RoPE's pairs, of
 * {@code |ln(a / b)|}, where a and b are the maximum |x| of the two. RoPE turns a pair, so that over many tokens its channels
 * reach nearly the same maximum and the median is near 0. The channels of V, and of K before RoPE, do not.
 *
 * @param halves the median for pairs d and d + channels / 2, with d below channels / 4
 * @param neighbors the median for pairs 2i and 2i + 1, with i below channels / 4
 */
public record RotationScore(double halves, double neighbors) {
    /**
     * The scores of a slot.
     *
     * @param channels the first channels of a head, which are taken as rotated; at most head_dim
     * @return null if no pair has values other than 0
     */
    public static @Nullable RotationScore of(SlotStatistics seen, int channels) {
        Range[] ranges = seen.ranges(1);
        int headDim = seen.geometry().headDim();
        int half = channels / 2;
        int fast = channels / 4;
        double[] halves = new double[fast * seen.geometry().heads()];
        double[] neighbors = new double[halves.length];
        int n = 0;
        for (int head = 0; head < ranges.length; head += headDim) {
            for (int i = 0; i < fast; i++) {
                halves[n] = distance(ranges[head + i], ranges[head + i + half]);
                neighbors[n++] = distance(ranges[head + 2 * i], ranges[head + 2 * i + 1]);
            }
        }
        RotationScore score = new RotationScore(median(halves), median(neighbors));
        return Double.isNaN(score.halves) || Double.isNaN(score.neighbors) ? null : score;
    }

    /** NaN if a channel has no values other than 0. */
    private static double distance(Range a, Range b) {
        double distance = Math.abs(StrictMath.log(absmax(a)) - StrictMath.log(absmax(b)));
        return Double.isInfinite(distance) ? Double.NaN : distance;
    }

    private static float absmax(Range range) {
        return range.isEmpty() ? 0 : Math.max(Math.abs(range.min()), Math.abs(range.max()));
    }

    /** The median of all numbers but NaN; NaN if there are none. */
    static double median(double[] numbers) {
        double[] sorted =
                Arrays.stream(numbers).filter(x -> !Double.isNaN(x)).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length == 0
                ? Double.NaN
                : sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    double paired(Pairing pairing) {
        return pairing == Pairing.NEIGHBORS ? neighbors : halves;
    }

    double other(Pairing pairing) {
        return pairing == Pairing.NEIGHBORS ? halves : neighbors;
    }
}
