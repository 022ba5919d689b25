package io.kvscale.quant.search;

import io.kvscale.numeric.NumberFormat;

/** The error of rounding positive values to the numbers of a format times a scale, none of them saturated. */
final class RoundingError {
    /** The last bit of a sum with this is one. */
    private static final float UNITS = 0x1.8p23f;

    private static final int EXPONENT = 0x7f800000;

    private final PowerTable power;
    private final boolean integer;
    private final float zero;
    private final int leastExponent;
    private final int magic;

    RoundingError(NumberFormat format, PowerTable power) {
        this.power = power;
        this.integer = format.isInteger();
        int mantissa = format.mantissaBits();
        int least = format.minExponent();
        this.zero = Math.scalb(0.5f, least - mantissa);
        this.leastExponent = (least + 127) << 23;
        this.magic = (23 - mantissa) << 23;
    }

    /** Up to here numbers round to 0. */
    float zero() {
        return zero;
    }

    /** Sum of {@code count * |q - x|^norm} over values {@code [from, to)}. */
    double sum(float[] x, double[] count, int from, int to, float scale) {
        return integer ? integers(x, count, from, to, scale) : floats(x, count, from, to, scale);
    }

    private double integers(float[] x, double[] count, int from, int to, float scale) {
        float inverse = 1 / scale;
        double sum = 0;
        for (int i = from; i < to; i++) {
            float q = (x[i] * inverse + UNITS) - UNITS;
            sum += count[i] * power.of(q * scale - x[i]);
        }
        return sum;
    }

    private double floats(float[] x, double[] count, int from, int to, float scale) {
        float inverse = 1 / scale;
        double sum = 0;
        for (int i = from; i < to; i++) {
            float t = x[i] * inverse;
            int exponent = Math.max(Float.floatToRawIntBits(t) & EXPONENT, leastExponent);
            // At this magnitude the last bit of a float is one step of the format.
            float steps = Float.intBitsToFloat(exponent + magic);
            sum += count[i] * power.of(((t + steps) - steps) * scale - x[i]);
        }
        return sum;
    }
}
