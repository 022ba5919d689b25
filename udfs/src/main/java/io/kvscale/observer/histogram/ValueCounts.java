package io.kvscale.observer.histogram;

import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * A histogram: the distinct finite values of some heads of a slot, ascending, and how often each occurs. -0 and +0 are
 * two values, -0 first.
 *
 * @param values widened exactly
 * @param counts each above 0; their sum is the number of finite values
 * @param approximate whether the data were F32, which is counted after rounding to the nearest BF16, ties to even; a
 *     value that would round to an infinity counts as the largest finite BF16 of its sign
 */
public record ValueCounts(float[] values, long[] counts, boolean approximate) {
    /**
     * A percentile of the absolute values: the least {@code |x|} that at least a share of all values do not exceed.
     *
     * @param percent the share in percent, above 0 and at most 100
     */
    public float percentile(double percent) {
        long left = total();
        long needed = BigDecimal.valueOf(percent)
                .multiply(BigDecimal.valueOf(left))
                .divide(BigDecimal.valueOf(100), 0, RoundingMode.CEILING)
                .longValueExact();
        int low = 0;
        int high = values.length - 1;
        // The greatest magnitude is at one end, or at both.
        for (float x = Math.max(-values[low], values[high]); x > 0; x = Math.max(-values[low], values[high])) {
            left -= -values[low] == x ? counts[low++] : 0;
            left -= high >= low && values[high] == x ? counts[high--] : 0;
            if (left < needed) {
                return x;
            }
        }
        return 0;
    }

    /**
     * The number of values.
     *
     * @throws ArithmeticException if it overflows 63 bits
     */
    public long total() {
        long all = 0;
        for (long count : counts) {
            all = Math.addExact(all, count);
        }
        return all;
    }
}
