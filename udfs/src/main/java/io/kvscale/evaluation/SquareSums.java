package io.kvscale.evaluation;

import java.io.Serializable;

/**
 * How much of a slot's values quantization lost.
 *
 * @param signal sum of squared values, before they were quantized
 * @param noise sum of squared errors, after the values were rounded to the type of the cache
 */
public record SquareSums(double signal, double noise) implements Serializable {
    public static final SquareSums ZERO = new SquareSums(0, 0);

    public SquareSums plus(SquareSums other) {
        return new SquareSums(signal + other.signal, noise + other.noise);
    }

    /** 10 log10 of signal to noise; infinite where nothing is lost. */
    public double sqnrDb() {
        return noise == 0 ? Double.POSITIVE_INFINITY : 10 * StrictMath.log10(signal / noise);
    }
}
