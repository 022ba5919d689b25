package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import java.util.Arrays;

/**
 * Least and greatest value of every channel, as order keys: what merges exactly, in any order.
 *
 * <p>The identity is min = +Inf, max = -Inf; finite values alone are ever folded in.
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

    void merge(ChannelRanges other) {
        for (int c = 0; c < min.length; c++) {
            min[c] = Math.min(min[c], other.min[c]);
            max[c] = Math.max(max[c], other.max[c]);
        }
    }

    /** The ranges of runs of {@code channelsPerScale} neighbouring channels. */
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
