package io.kvscale.quant.search;

import io.kvscale.numeric.NumberFormat;

/** The errors of rounding positive values to the numbers of a format times a scale, without saturation. */
final class RoundingError {
    /** The last bit of a sum with this number is worth 1. */
    private static final float UNITS = 0x1.8p23f;

    private static final int EXPONENT = 0x7f800000;

    private final boolean integer;
    private final float zero;
    private final int leastExponent;
    private final int magic;

    RoundingError(NumberFormat format) {
        this.integer = format.isInteger();
        int mantissa = format.mantissaBits();
        int least = format.minExponent();
        this.zero = Math.scalb(0.5f, least - mantissa);
        this.leastExponent = (least + 127) << 23;
        this.magic = (23 - mantissa) << 23;
    }

    /** The greatest number that rounds to 0: half of the least step. */
    float zero() {
        return zero;
    }

    /** Writes {@code q - x} for values {@code [from, to)} to the same places of {@code error}. */
    void fill(float[] error, float[] x, int from, int to, float scale) {
        if (integer) {
            // C2 makes vectors of this loop.
            for (int i = from; i < to; i++) {
                error[i] = ((x[i] / scale + UNITS) - UNITS) * scale - x[i];
            }
            return;
        }
        for (int i = from; i < to; i++) {
            error[i] = ofFloat(x[i], scale);
        }
    }

    /** {@code q - x} for a float format. */
    float ofFloat(float x, float scale) {
        float t = x / scale;
        int exponent = Math.max(Float.floatToRawIntBits(t) & EXPONENT, leastExponent);
        // At this magnitude the last bit of a float is one step of the format.
        float steps = Float.intBitsToFloat(exponent + magic);
        return ((t + steps) - steps) * scale - x;
    }
}
