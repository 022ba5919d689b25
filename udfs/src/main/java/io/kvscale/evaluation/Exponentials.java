package io.kvscale.evaluation;

/**
 * exp for numbers of at most 0, in loops that the JVM turns into vector instructions. Multiplications and additions of
 * doubles only, so the bits are the same on every JDK and CPU.
 *
 * <p>exp(x) = exp(x / 256)^256 with a polynomial of degree 7 and eight squarings: within 1e-13 of the result, relative to
 * it down to -20, relative to 1 below.
 */
final class Exponentials {
    private static final double PART = 1.0 / 256;

    /** Its 256th power is 0 for all purposes. */
    private static final double LEAST = -1.5;

    private Exponentials() {}

    /** {@code results[i] = exp(numbers[i])}; NaN for NaN. */
    static void of(double[] numbers, double[] results) {
        for (int i = 0; i < numbers.length; i++) {
            double r = Math.max(numbers[i] * PART, LEAST);
            double p = 1.0 / 5040;
            p = p * r + 1.0 / 720;
            p = p * r + 1.0 / 120;
            p = p * r + 1.0 / 24;
            p = p * r + 1.0 / 6;
            p = p * r + 0.5;
            p = p * r + 1;
            p = p * r + 1;
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            results[i] = p;
        }
    }
}
