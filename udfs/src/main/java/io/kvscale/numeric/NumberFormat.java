package io.kvscale.numeric;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A number format of a KV cache: its recipe words, range, rounding and codes. The constants are in order of preference: a
 * format that more engines support comes first, and so does the usual format of equal bits and type.
 *
 * <p>Codes are the low {@link #bits} bits of an int: two's complement for integers, sign-exponent-mantissa for floats, with
 * the exponent bias of IEEE 754. The arithmetic is that of compressed-tensors; fp8 e4m3 is the "fn" variant without
 * infinities. All else, recipe words included, is derived from the fields of a constant.
 */
public enum NumberFormat {
    FP8_E4M3(8, 3, 448f, true, true),
    FP8_E5M2(8, 2, 57344f, false, true),
    INT8(8),
    INT4(4),
    FP4_E2M1(4, 1, 6f, false, false);

    private final int bits;
    private final boolean integer;
    private final int mantissa;
    private final int minExponent;
    private final float min;
    private final float max;
    private final float symmetricDivisor;
    private final float asymmetricDivisor;
    private final boolean keepsNegativeZero;

    /** An integer in two's complement. */
    NumberFormat(int bits) {
        this.bits = bits;
        integer = true;
        mantissa = 0;
        minExponent = 0;
        min = -(1 << (bits - 1));
        max = (1 << (bits - 1)) - 1;
        asymmetricDivisor = (1 << bits) - 1;
        symmetricDivisor = asymmetricDivisor / 2;
        keepsNegativeZero = true;
    }

    /**
     * A float with a sign bit.
     *
     * @param max the largest finite number; codes above it are NaN, or infinite where the fraction is 0
     * @param keepsNegativeZero false if an input of -0 gives +0
     */
    NumberFormat(int bits, int mantissa, float max, boolean asymmetric, boolean keepsNegativeZero) {
        this.bits = bits;
        this.integer = false;
        this.mantissa = mantissa;
        this.minExponent = 2 - (1 << (bits - 2 - mantissa));
        this.min = -max;
        this.max = max;
        this.symmetricDivisor = max;
        this.asymmetricDivisor = asymmetric ? 2 * max : Float.NaN;
        this.keepsNegativeZero = keepsNegativeZero;
    }

    /** The format with this name in any case: a {@link #word} or a short name such as {@code fp8}. */
    public static Optional<NumberFormat> named(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return Arrays.stream(values())
                .filter(format -> format.names().contains(lower))
                .findFirst();
    }

    /** The formats with so many bits and this recipe type, in order of preference. */
    public static List<NumberFormat> with(int bits, String type) {
        return Arrays.stream(values())
                .filter(format -> format.bits == bits && format.type().equals(type))
                .toList();
    }

    /** The full name, such as {@code fp8_e4m3}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** All names, the shortest first: {@code fp8} and {@code fp8_e4m3}. */
    public List<String> names() {
        return isUsual() && !integer ? List.of("fp" + bits, word()) : List.of(word());
    }

    /** {@code type} in a recipe: {@code int} or {@code float}. */
    public String type() {
        return integer ? "int" : "float";
    }

    /** The layout of a float, such as {@code e4m3}, which is {@code format} in a recipe; {@code int} for integers. */
    public String layout() {
        return integer ? "int" : "e" + (bits - 1 - mantissa) + "m" + mantissa;
    }

    /** Whether a recipe means this format if it gives bits and type only. */
    public boolean isUsual() {
        return with(bits, type()).get(0) == this;
    }

    /** Bits of one code: 8 or 4. */
    public int bits() {
        return bits;
    }

    /** Bits of the mantissa, without the implicit one; 0 for integers. */
    public int mantissaBits() {
        return mantissa;
    }

    /** The exponent of the smallest normal number; 0 for integers. */
    public int minExponent() {
        return minExponent;
    }

    /** The least number of the format, qmin. */
    public float min() {
        return min;
    }

    /** The greatest finite number of the format, qmax. */
    public float max() {
        return max;
    }

    /** The absolute maximum divided by this is the symmetric scale. */
    public float symmetricDivisor() {
        return symmetricDivisor;
    }

    /** max - min divided by this is the asymmetric scale; NaN where asymmetric quantization is not defined. */
    public float asymmetricDivisor() {
        return asymmetricDivisor;
    }

    public boolean supportsAsymmetric() {
        return !Float.isNaN(asymmetricDivisor);
    }

    public boolean isInteger() {
        return integer;
    }

    /**
     * The number of the format nearest to {@code x}, which must not be NaN, after clamping; ties go to the even code. A zero
     * keeps its sign, except that fp4 turns -0 into +0.
     */
    public float round(float x) {
        float clamped = Math.min(Math.max(x, min), max);
        if (integer) {
            return (float) Math.rint(clamped);
        }
        return clamped == 0 && !keepsNegativeZero ? 0f : roundToStep(clamped);
    }

    private float roundToStep(float x) {
        int exponent = Math.max(Math.getExponent(x), minExponent);
        // At this magnitude the last bit of a float is one step of the format, so the sum rounds half to even there.
        float magic = Math.scalb(1.0f, exponent + 23 - mantissa);
        return Math.copySign((Math.abs(x) + magic) - magic, x);
    }

    /** The code of a number that {@link #round} returned. Integers have one code for +0 and -0. */
    public int encode(float q) {
        if (integer) {
            return (int) q & ((1 << bits) - 1);
        }
        int sign = Float.floatToRawIntBits(q) < 0 ? 1 << (bits - 1) : 0;
        float magnitude = Math.abs(q);
        if (magnitude < Math.scalb(1.0f, minExponent)) {
            return sign | (int) Math.scalb(magnitude, mantissa - minExponent);
        }
        int exponent = Math.getExponent(magnitude) - minExponent + 1;
        int fraction = (Float.floatToRawIntBits(magnitude) & 0x7fffff) >>> (23 - mantissa);
        return sign | (exponent << mantissa) | fraction;
    }

    /** The number that a code stands for; NaN or infinite for the codes beyond {@link #max}. */
    public float decode(int code) {
        if (integer) {
            return (code << (32 - bits)) >> (32 - bits);
        }
        int magnitude = code & ((1 << (bits - 1)) - 1);
        int exponent = magnitude >>> mantissa;
        int fraction = magnitude & ((1 << mantissa) - 1);
        float number = exponent == 0
                ? Math.scalb((float) fraction, minExponent - mantissa)
                : Math.scalb((float) ((1 << mantissa) + fraction), exponent - 1 + minExponent - mantissa);
        if (number > max) {
            if (fraction != 0) {
                return Float.NaN;
            }
            number = Float.POSITIVE_INFINITY;
        }
        return (code >>> (bits - 1) & 1) == 1 ? -number : number;
    }
}
