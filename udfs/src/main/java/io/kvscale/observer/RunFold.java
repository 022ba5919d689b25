package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.kernel.MinMaxKernel;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Position;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Computes ranges and counts of the values of one sample within one chunk, for {@link SlotStatistics#update}.
 *
 * <p>The kernel takes every pattern. A NaN or an infinity shows as an extreme beyond the finite values; only such chunks
 * are read again, value by value.
 */
final class RunFold implements PieceListener.Sizes {
    private final MinMaxKernel kernel = MinMaxKernel.OF_THIS_JVM;
    private final Dtype dtype;
    private final short[] min16;
    private final short[] max16;

    private final ChannelRanges ranges;
    /** Whether the result lies in {@link #min16} and {@link #max16}, not in {@link #ranges}. */
    private boolean narrow;

    /** The channels that the values belong to: from the first to before the end. */
    private int first;

    private int end;

    long finite;
    long nan;
    long infinite;

    /**
     * The minimum and maximum as order keys, if they reach those of the slot. Else a key that does not: greater than its
     * minimum, or less than its maximum.
     */
    int least;

    int greatest;

    RunFold(Geometry geometry) {
        this.dtype = geometry.dtype();
        this.ranges = new ChannelRanges(dtype, geometry.channels());
        int narrow = dtype.bytes() == 2 ? geometry.channels() : 0;
        this.min16 = new short[narrow];
        this.max16 = new short[narrow];
    }

    /**
     * Replaces the results by those of the values {@code [from, to)} of the tensor, and widens the ranges of the slot by them.
     *
     * @param chunk begins at {@code position}
     */
    void fold(Position position, ByteBuffer chunk, long from, long to, ChannelRanges slot) {
        ByteBuffer values = chunk.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        long origin = position.element();
        int start = chunk.position();
        reset();
        first = ranges.min.length;
        end = 0;
        narrow = dtype.bytes() == 2;
        if (narrow) {
            Arrays.fill(min16, Short.MAX_VALUE);
            Arrays.fill(max16, Short.MIN_VALUE);
            position.source().forEachRun(from, to, (element, width, rows, channel) -> {
                kernel.fold16(values, start + (int) (element - origin) * 2, width, rows, min16, max16, channel);
                found(width, rows, channel);
            });
        } else {
            Arrays.fill(ranges.min, Integer.MAX_VALUE);
            Arrays.fill(ranges.max, Integer.MIN_VALUE);
            position.source().forEachRun(from, to, (element, width, rows, channel) -> {
                kernel.fold32(
                        values, start + (int) (element - origin) * 4, width, rows, ranges.min, ranges.max, channel);
                found(width, rows, channel);
            });
        }
        if (!widen(slot)) {
            foldFinite(position, values, start, from, to);
            widen(slot);
        }
    }

    private void foldFinite(Position position, ByteBuffer values, int start, long from, long to) {
        reset();
        narrow = false;
        Arrays.fill(ranges.min, dtype.infinityKey());
        Arrays.fill(ranges.max, dtype.negativeInfinityKey());
        int bytes = dtype.bytes();
        long origin = position.element();
        position.source().forEachRun(from, to, (element, width, rows, channel) -> {
            int at = start + (int) (element - origin) * bytes;
            for (int i = 0; i < width * rows; i++) {
                foldOne(dtype.orderKey(dtype.get(values, at + i * bytes)), channel + i % width);
            }
        });
    }

    private void foldOne(int key, int channel) {
        if (key > dtype.negativeInfinityKey() && key < dtype.infinityKey()) {
            finite++;
            ranges.min[channel] = Math.min(ranges.min[channel], key);
            ranges.max[channel] = Math.max(ranges.max[channel], key);
        } else if (key == dtype.infinityKey() || key == dtype.negativeInfinityKey()) {
            infinite++;
        } else {
            nan++;
        }
    }

    private void found(int width, int rows, int channel) {
        finite += (long) width * rows;
        first = Math.min(first, channel);
        end = Math.max(end, channel + width);
    }

    private void reset() {
        finite = 0;
        nan = 0;
        infinite = 0;
    }

    /**
     * Widens ranges by those found; false if an extreme is not finite. One pass: an infinity or an extreme of the slot is also
     * one of its channel, and most chunks widen few channels.
     */
    private boolean widen(ChannelRanges slot) {
        least = Integer.MAX_VALUE;
        greatest = Integer.MIN_VALUE;
        for (int c = first; c < end; c++) {
            int lo = narrow ? min16[c] : ranges.min[c];
            int hi = narrow ? max16[c] : ranges.max[c];
            if (lo <= slot.min[c]) {
                if (lo <= dtype.negativeInfinityKey()) {
                    return false;
                }
                slot.min[c] = lo;
                least = Math.min(least, lo);
            }
            if (hi >= slot.max[c]) {
                if (hi >= dtype.infinityKey()) {
                    return false;
                }
                slot.max[c] = hi;
                greatest = Math.max(greatest, hi);
            }
        }
        return true;
    }

    @Override
    public float of(int channel) {
        int lo = narrow ? min16[channel] : ranges.min[channel];
        int hi = narrow ? max16[channel] : ranges.max[channel];
        // Beyond the infinities lie the initial values of channels without values.
        boolean any = finite > 0 && lo <= hi;
        // The key of -x is that of x with all bits inverted.
        return any ? dtype.toFloat(Math.max(~lo, hi)) : 0;
    }

    /** The ranges found, one for each {@code channelsPerScale} neighbouring channels. */
    ChannelRanges reduced(int channelsPerScale) {
        if (narrow) {
            for (int c = 0; c < min16.length; c++) {
                ranges.min[c] = min16[c];
                ranges.max[c] = max16[c];
            }
            narrow = false;
        }
        return ranges.reduced(channelsPerScale);
    }
}
