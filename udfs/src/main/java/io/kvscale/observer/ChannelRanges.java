package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Minimum and maximum of every channel, as order keys, over finite values only. Merges exactly, in any order. A channel
 * without values has min = +Inf and max = -Inf.
 */
final class ChannelRanges {
    final Dtype dtype;
    final int[] min;
    final int[] max;

    ChannelRanges(Dtype dtype, int channels) {
        this.dtype = dtype;
        this.min = new int[channels];
        this.max = new int[channels];
        Arrays.fill(min, dtype.infinityKey());
        Arrays.fill(max, dtype.negativeInfinityKey());
    }

    /** Reads what {@link #writePatterns} wrote. */
    static ChannelRanges ofPatterns(Dtype dtype, int channels, ByteBuffer from) {
        ByteBuffer in = from.order(ByteOrder.LITTLE_ENDIAN);
        ChannelRanges ranges = new ChannelRanges(dtype, channels);
        for (int[] keys : new int[][] {ranges.min, ranges.max}) {
            for (int c = 0; c < channels; c++) {
                keys[c] = dtype.orderKey(dtype.bytes() == 4 ? in.getInt() : in.getShort());
            }
        }
        return ranges;
    }

    /** Writes the pattern of every minimum, then that of every maximum, little endian. */
    void writePatterns(ByteBuffer to) {
        ByteBuffer out = to.order(ByteOrder.LITTLE_ENDIAN);
        for (int[] keys : new int[][] {min, max}) {
            for (int key : keys) {
                if (dtype.bytes() == 4) {
                    out.putInt(dtype.bitsOfKey(key));
                } else {
                    out.putShort((short) dtype.bitsOfKey(key));
                }
            }
        }
    }

    void merge(ChannelRanges other) {
        for (int c = 0; c < min.length; c++) {
            min[c] = Math.min(min[c], other.min[c]);
            max[c] = Math.max(max[c], other.max[c]);
        }
    }

    /** A copy with one range for each {@code channelsPerScale} neighbouring channels. */
    ChannelRanges reduced(int channelsPerScale) {
        ChannelRanges result = new ChannelRanges(dtype, min.length / channelsPerScale);
        for (int c = 0; c < min.length; c++) {
            int to = c / channelsPerScale;
            result.min[to] = Math.min(result.min[to], min[c]);
            result.max[to] = Math.max(result.max[to], max[c]);
        }
        return result;
    }

    boolean isEmpty(int channel) {
        return min[channel] > max[channel];
    }

    float min(int channel) {
        return dtype.toFloat(dtype.bitsOfKey(min[channel]));
    }

    float max(int channel) {
        return dtype.toFloat(dtype.bitsOfKey(max[channel]));
    }
}
