package io.kvscale.observer;

/** Minimum and maximum of finite values; empty if min is above max. */
public record Range(float min, float max) {
    static Range[] all(ChannelRanges ranges) {
        Range[] result = new Range[ranges.min.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = new Range(ranges.min(i), ranges.max(i));
        }
        return result;
    }

    public boolean isEmpty() {
        return min > max;
    }
}
