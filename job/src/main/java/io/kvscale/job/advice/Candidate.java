package io.kvscale.job.advice;

import io.kvscale.quant.SlotError;
import io.kvscale.scheme.QuantizationScheme;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One way to hold the K or V of a layer, and what it costs.
 *
 * @param scheme null to leave it as it is
 * @param error over all values of the slot; no noise where nothing is quantized
 */
public record Candidate(@Nullable QuantizationScheme scheme, SlotError error) {
    /** Bits of a value that is not quantized: engines cache K and V in 16. */
    static final int UNQUANTIZED_BITS = 16;

    static Candidate unquantized(SlotError of) {
        return new Candidate(
                null, new SlotError(of.count(), of.signal(), 0, 0, Double.POSITIVE_INFINITY, 0, 0, of.approximate()));
    }

    public boolean isQuantized() {
        return scheme != null;
    }

    /** The format in one word, as {@code fp8_e4m3}; or {@code unquantized}. */
    public String name() {
        return scheme == null ? "unquantized" : scheme.format().name().toLowerCase(Locale.ROOT);
    }

    /** Bits of one value: 4, 8 or 16. */
    public int bits() {
        return scheme == null ? UNQUANTIZED_BITS : scheme.format().bits();
    }

    /** Sum of squared errors to sum of squares; 0 where nothing is lost, which a slot of zeros never does. */
    public double noiseToSignal() {
        return error.noise() == 0 ? 0 : error.noise() / error.signal();
    }
}
