package io.kvscale.observer.histogram;

/**
 * A histogram: the distinct finite values of some heads of a slot, ascending, and how often each occurs. -0 and +0 are
 * two values, -0 first.
 *
 * @param values widened exactly
 * @param counts each above 0; their sum is the number of finite values
 * @param approximate whether the data were F32, which is counted after rounding to the nearest BF16, ties to even; a
 *     value that would round to an infinity counts as the largest finite BF16 of its sign
 */
public record ValueCounts(float[] values, long[] counts, boolean approximate) {}
