package io.kvscale.job.advice;

import io.kvscale.quant.SlotError;
import io.kvscale.scheme.QuantizationScheme;
import org.jspecify.annotations.Nullable;

/**
 * A possible scheme for a slot, with its error.
 *
 * @param scheme null: not quantized
 * @param error over all values of the slot; zero if not quantized
 */
public record Candidate(@Nullable QuantizationScheme scheme, SlotError error) {
    /** Bits of an unquantized value: engines cache K and V in 16-bit types. */
    static final int UNQUANTIZED_BITS = 16;

    static Candidate unquantized(SlotError error) {
        return new Candidate(
                null,
                new SlotError(
                        error.count(), error.signal(), 0, 0, Double.POSITIVE_INFINITY, 0, 0, error.approximate()));
    }

    public boolean isQuantized() {
        return scheme != null;
    }

    /** The name of the format, for example {@code fp8_e4m3}, or {@code unquantized}. */
    public String name() {
        return scheme == null ? "unquantized" : scheme.format().word();
    }

    /** Bits per value: 4, 8 or 16. */
    public int bits() {
        return scheme == null ? UNQUANTIZED_BITS : scheme.format().bits();
    }

    /** Sum of squared errors divided by sum of squares; 0 without error, so also for a slot of zeros. */
    public double noiseToSignal() {
        return error.noise() == 0 ? 0 : error.noise() / error.signal();
    }
}
