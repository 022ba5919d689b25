package io.kvscale.evaluation;

import java.io.Serializable;

/**
 * The quantization error of a slot.
 *
 * @param signal sum of squares of the values before quantization
 * @param noise sum of squares of the errors, after rounding to the cache's dtype
 */
public record SquareSums(double signal, double noise) implements Serializable {
    public static final SquareSums ZERO = new SquareSums(0, 0);

    public SquareSums plus(SquareSums other) {
        return new SquareSums(signal + other.signal, noise + other.noise);
    }

    /** Signal-to-noise ratio in dB: 10 log10(signal / noise); infinite without noise. */
    public double sqnrDb() {
        return noise == 0 ? Double.POSITIVE_INFINITY : 10 * StrictMath.log10(signal / noise);
    }
}
