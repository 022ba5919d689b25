package io.kvscale.observer;

/** Minimum and maximum of finite values; empty if min is above max. */
public record Range(float min, float max) {
    static final Range EMPTY = new Range(Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);

    static Range[] all(ChannelRanges ranges) {
        Range[] result = new Range[ranges.min.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = new Range(ranges.min(i), ranges.max(i));
        }
        return result;
    }

    Range union(Range other) {
        return new Range(Math.min(min, other.min), Math.max(max, other.max));
    }

    public boolean isEmpty() {
        return min > max;
    }
}
