package io.kvscale.observer;

import io.kvscale.tensor.Origin;
import org.jspecify.annotations.Nullable;

/**
 * The counts of a slot and where its values were first seen.
 *
 * @param finite finite values, padding left out
 * @param infinite infinities of either sign
 * @param tokens real tokens of all tensors
 * @param samples rows of all batches
 * @param first the first origin of any value
 * @param firstNonFinite the first origin of a NaN or an infinity
 */
record SlotTotals(
        long finite,
        long nan,
        long infinite,
        long tokens,
        long samples,
        @Nullable Origin first,
        @Nullable Origin firstNonFinite) {
    static final SlotTotals EMPTY = new SlotTotals(0, 0, 0, 0, 0, null, null);

    /** @throws ArithmeticException if a count overflows 63 bits */
    SlotTotals plus(SlotTotals other) {
        return new SlotTotals(
                Math.addExact(finite, other.finite),
                Math.addExact(nan, other.nan),
                Math.addExact(infinite, other.infinite),
                Math.addExact(tokens, other.tokens),
                Math.addExact(samples, other.samples),
                Origin.earlier(first, other.first),
                Origin.earlier(firstNonFinite, other.firstNonFinite));
    }
}
