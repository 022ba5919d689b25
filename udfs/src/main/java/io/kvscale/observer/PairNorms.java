package io.kvscale.observer;

import io.kvscale.observer.kernel.PairKernel;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.RotaryPairs;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The greatest square norm of each RoPE pair of K, by (head, pair), as {@link PairKernel} defines it. RoPE keeps the norm of a
 * pair, so it bounds both channels at every position, also at those that no sample reaches. Merges exactly, in any order; a
 * pair without finite values has 0.
 */
final class PairNorms {
    final RotaryPairs layout;
    /** By head, then pair. */
    final double[] squares;

    private final Geometry geometry;

    /** @throws IllegalArgumentException if a head has fewer channels than are rotated */
    PairNorms(Geometry geometry, RotaryPairs layout) {
        if (layout.channels() > geometry.headDim()) {
            throw new IllegalArgumentException(
                    layout.channels() + " rotated channels are more than head_dim " + geometry.headDim());
        }
        this.geometry = geometry;
        this.layout = layout;
        this.squares = new double[geometry.heads() * layout.count()];
    }

    /**
     * Folds the values {@code [from, to)} of a tensor, all of one sample; {@code chunk} begins at {@code position}.
     *
     * @throws IllegalArgumentException if a head is cut: its pairs would be lost
     */
    void update(Position position, ByteBuffer chunk, long from, long to) {
        if (layout.channels() == 0) {
            return;
        }
        int bytes = geometry.dtype().bytes();
        int dim = geometry.headDim();
        int start = chunk.position();
        position.source().forEachRun(from, to, (element, width, rows, channel) -> {
            if (channel % dim != 0 || width % dim != 0) {
                throw new IllegalArgumentException("a chunk with norms of pairs cuts a head at value " + element);
            }
            PairKernel.OF_THIS_JVM.fold(
                    geometry.dtype(),
                    chunk,
                    start + (int) (element - position.element()) * bytes,
                    width / dim,
                    dim,
                    rows,
                    layout,
                    squares,
                    channel / dim * layout.count());
        });
    }

    /** @throws IllegalArgumentException if the pairs differ */
    void merge(PairNorms other) {
        if (!layout.equals(other.layout)) {
            throw new IllegalArgumentException("norms of " + layout + " cannot merge with norms of " + other.layout);
        }
        for (int i = 0; i < squares.length; i++) {
            squares[i] = Math.max(squares[i], other.squares[i]);
        }
    }

    PairNorms copy() {
        PairNorms copy = new PairNorms(geometry, layout);
        copy.merge(this);
        return copy;
    }

    /**
     * Checks norms that a file gave: each is at least the greatest square of either channel, and at most their sum.
     *
     * @throws IllegalArgumentException if they contradict the ranges
     */
    void check(ChannelRanges ranges) {
        for (int i = 0; i < squares.length; i++) {
            int head = i / layout.count() * geometry.headDim();
            float a = magnitude(ranges, head + layout.first(i % layout.count()));
            float b = magnitude(ranges, head + layout.second(i % layout.count()));
            double least = Math.max((double) a * a, (double) b * b);
            // The sum rounded to the nearest may be one below the sum rounded up.
            double most = Math.nextUp((double) a * a + (double) b * b);
            // A NaN is neither.
            if (!(squares[i] >= least && squares[i] <= most)
                    || (least == 0 && Double.doubleToRawLongBits(squares[i]) != 0)) {
                throw new IllegalArgumentException("the norm of pair " + i % layout.count() + " of head "
                        + i / layout.count() + " does not fit its ranges");
            }
        }
    }

    private static float magnitude(ChannelRanges ranges, int channel) {
        return ranges.isEmpty(channel) ? 0 : Math.max(-ranges.min(channel), ranges.max(channel));
    }

    /**
     * The ranges of all channels at every position: both channels of a pair get its norm in both directions, the others keep
     * what was observed. A pair without finite values has an empty range.
     *
     * @param channelsPerScale number of neighbouring channels that share a range
     */
    Range[] ranges(ChannelRanges observed, int channelsPerScale) {
        Range[] all = channels(observed);
        Range[] result = new Range[all.length / channelsPerScale];
        for (int i = 0; i < result.length; i++) {
            result[i] = Arrays.stream(all, i * channelsPerScale, (i + 1) * channelsPerScale)
                    .reduce(Range.EMPTY, Range::union);
        }
        return result;
    }

    private Range[] channels(ChannelRanges observed) {
        Range[] result = Range.all(observed);
        for (int c = 0; c < result.length; c++) {
            int pair = layout.of(c % geometry.headDim());
            if (pair >= 0) {
                int head = c / geometry.headDim();
                float norm = norm(squares[head * layout.count() + pair]);
                int other =
                        head * geometry.headDim() + layout.first(pair) + layout.second(pair) - c % geometry.headDim();
                if (!observed.isEmpty(c) || !observed.isEmpty(other)) {
                    result[c] = new Range(-norm, norm);
                }
            }
        }
        return result;
    }

    /** The least f32 whose square is not below the square norm. The square of an f32 is exact in f64. */
    static float norm(double square) {
        float norm = (float) Math.sqrt(square);
        while ((double) norm * norm < square) {
            norm = Math.nextUp(norm);
        }
        while (norm > 0 && (double) Math.nextDown(norm) * Math.nextDown(norm) >= square) {
            norm = Math.nextDown(norm);
        }
        return norm;
    }
}
