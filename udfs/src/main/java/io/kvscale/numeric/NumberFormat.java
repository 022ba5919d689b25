package io.kvscale.numeric;

/**
 * A format that a serving engine holds K and V in: its range, its rounding and the number behind each of its codes.
 *
 * <p>Codes are the low {@link #bits} bits of an int: two's complement for the integers, sign-exponent-mantissa for the
 * floats. The arithmetic is that of compressed-tensors; fp8 is the "fn" variant without infinities.
 */
public enum NumberFormat {
    INT8(8, -128f, 127f, 127.5f, 255f),
    INT4(4, -8f, 7f, 7.5f, 15f),
    FP8_E4M3(8, -448f, 448f, 448f, 896f),
    FP8_E5M2(8, -57344f, 57344f, 57344f, Float.NaN),
    FP4_E2M1(4, -6f, 6f, 6f, Float.NaN);

    private final int bits;
    private final float min;
    private final float max;
    private final float symmetricDivisor;
    private final float asymmetricDivisor;

    NumberFormat(int bits, float min, float max, float symmetricDivisor, float asymmetricDivisor) {
        this.bits = bits;
        this.min = min;
        this.max = max;
        this.symmetricDivisor = symmetricDivisor;
        this.asymmetricDivisor = asymmetricDivisor;
    }

    /** Bits of one code: 8 or 4. */
    public int bits() {
        return bits;
    }

    /** The least number of the format, qmin. */
    public float min() {
        return min;
    }

    /** The greatest number of the format, qmax. */
    public float max() {
        return max;
    }

    /** What the absolute maximum is divided by to give a symmetric scale. */
    public float symmetricDivisor() {
        return symmetricDivisor;
    }

    /** What max - min is divided by to give an asymmetric scale; NaN where that is not defined. */
    public float asymmetricDivisor() {
        return asymmetricDivisor;
    }

    public boolean supportsAsymmetric() {
        return !Float.isNaN(asymmetricDivisor);
    }

    public boolean isInteger() {
        return this == INT8 || this == INT4;
    }

    /**
     * The number of the format nearest to {@code x} after clamping, ties to even (fp4: by its own table, in which ties
     * go to the even code). The sign of a zero is kept, but an fp4 input of -0 gives +0. NaN is not expected.
     */
    public float round(float x) {
        float clamped = Math.min(Math.max(x, min), max);
        return switch (this) {
            case INT8, INT4 -> (float) Math.rint(clamped);
            case FP8_E4M3 -> roundToStep(clamped, 3, -6);
            case FP8_E5M2 -> roundToStep(clamped, 2, -14);
            case FP4_E2M1 -> clamped == 0 ? 0f : roundToStep(clamped, 1, 0);
        };
    }

    /** Rounds to {@code mantissa} bits, in steps no finer than those of the exponent {@code least}. */
    private static float roundToStep(float x, int mantissa, int least) {
        int exponent = Math.max(Math.getExponent(x), least);
        // At this magnitude the last bit of a float is one step of the format, so the sum rounds half to even there.
        float magic = Math.scalb(1.0f, exponent + 23 - mantissa);
        return Math.copySign((Math.abs(x) + magic) - magic, x);
    }

    /** The code of a number that {@link #round} returned. An integer zero has one code, whatever its sign. */
    public int encode(float q) {
        return switch (this) {
            case INT8 -> (int) q & 0xff;
            case INT4 -> (int) q & 0xf;
            case FP8_E4M3 -> encodeFloat(q, 3, -6);
            case FP8_E5M2 -> encodeFloat(q, 2, -14);
            case FP4_E2M1 -> encodeFloat(q, 1, 0);
        };
    }

    private int encodeFloat(float q, int mantissa, int least) {
        int sign = Float.floatToRawIntBits(q) < 0 ? 1 << (bits - 1) : 0;
        float magnitude = Math.abs(q);
        if (magnitude < Math.scalb(1.0f, least)) {
            return sign | (int) Math.scalb(magnitude, mantissa - least);
        }
        int exponent = Math.getExponent(magnitude) - least + 1;
        int fraction = (Float.floatToRawIntBits(magnitude) & 0x7fffff) >>> (23 - mantissa);
        return sign | (exponent << mantissa) | fraction;
    }

    /** The number behind a code; NaN (and for e5m2 infinity) where the code stands for that. */
    public float decode(int code) {
        return switch (this) {
            case INT8 -> (byte) code;
            case INT4 -> (code << 28) >> 28;
            case FP8_E4M3 -> (code & 0x7f) == 0x7f ? Float.NaN : decodeFloat(code, 3, -6);
            case FP8_E5M2 -> (code & 0x7f) >= 0x7c ? decodeSpecial(code) : decodeFloat(code, 2, -14);
            case FP4_E2M1 -> decodeFloat(code, 1, 0);
        };
    }

    private float decodeFloat(int code, int mantissa, int least) {
        int magnitude = code & ((1 << (bits - 1)) - 1);
        int exponent = magnitude >>> mantissa;
        int fraction = magnitude & ((1 << mantissa) - 1);
        float number = exponent == 0
                ? Math.scalb((float) fraction, least - mantissa)
                : Math.scalb((float) ((1 << mantissa) + fraction), exponent - 1 + least - mantissa);
        return (code >>> (bits - 1) & 1) == 1 ? -number : number;
    }

    private static float decodeSpecial(int code) {
        if ((code & 0x7f) != 0x7c) {
            return Float.NaN;
        }
        return (code & 0x80) != 0 ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY;
    }
}
