package io.kvscale.numeric;

import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Optional;

/**
 * The element type of a K or V tensor; constants have the names of safetensors.
 *
 * <p>A bit pattern is an {@code int}; the two 16-bit types use its low 16 bits, zero-extended. The <em>order key</em> of a
 * pattern is a signed integer that sorts as the numbers do: -0 below +0, positive NaN above +Inf, negative NaN below -Inf.
 * Conversions follow IEEE 754: widening is exact, narrowing rounds half to even.
 */
public enum Dtype {
    F32(4, 0x1p-23f),
    BF16(2, 0x1p-7f),
    F16(2, 0x1p-10f);

    private final int bytes;
    private final float epsilon;

    Dtype(int bytes, float epsilon) {
        this.bytes = bytes;
        this.epsilon = epsilon;
    }

    /** Bytes of one value. */
    public int bytes() {
        return bytes;
    }

    /** The machine epsilon; it replaces a scale that is exactly 0. */
    public float epsilon() {
        return epsilon;
    }

    /** The type with this safetensors name in any case; empty for an unknown name. */
    public static Optional<Dtype> named(String name) {
        return switch (name.toUpperCase(Locale.ROOT)) {
            case "F32" -> Optional.of(F32);
            case "BF16" -> Optional.of(BF16);
            case "F16" -> Optional.of(F16);
            default -> Optional.empty();
        };
    }

    /** The number that a pattern stands for; exact. */
    public float toFloat(int bits) {
        return switch (this) {
            case F32 -> Float.intBitsToFloat(bits);
            case BF16 -> Float.intBitsToFloat(bits << 16);
            case F16 -> halfToFloat(bits);
        };
    }

    /** The pattern nearest to {@code x}: ties to even, overflow to infinity, NaN to some NaN. */
    public int fromFloat(float x) {
        return switch (this) {
            case F32 -> Float.floatToRawIntBits(x);
            case BF16 -> floatToBrain(x);
            case F16 -> floatToHalf(x);
        };
    }

    /** {@code x} rounded to this type and widened again. */
    public float round(float x) {
        return this == F32 ? x : toFloat(fromFloat(x));
    }

    /** The order key of a pattern. */
    public int orderKey(int bits) {
        if (this == F32) {
            return bits ^ ((bits >> 31) & 0x7fffffff);
        }
        short s = (short) bits;
        return (short) (s ^ ((s >> 15) & 0x7fff));
    }

    /** The pattern with this order key. */
    public int bitsOfKey(int key) {
        return this == F32 ? orderKey(key) : orderKey(key) & 0xffff;
    }

    /** The order key of +Inf: keys at or above it are +Inf or NaN. */
    public int infinityKey() {
        return switch (this) {
            case F32 -> 0x7f800000;
            case BF16 -> 0x7f80;
            case F16 -> 0x7c00;
        };
    }

    /** The order key of -Inf: keys at or below it are -Inf or NaN. */
    public int negativeInfinityKey() {
        return ~infinityKey();
    }

    /** The pattern at a byte index of a little-endian buffer. */
    public int get(ByteBuffer little, int index) {
        return this == F32 ? little.getInt(index) : little.getShort(index) & 0xffff;
    }

    /** Writes a pattern at a byte index of a little-endian buffer. */
    public void put(ByteBuffer little, int index, int bits) {
        if (this == F32) {
            little.putInt(index, bits);
        } else {
            little.putShort(index, (short) bits);
        }
    }

    private static int floatToBrain(float x) {
        int bits = Float.floatToRawIntBits(x);
        if (Float.isNaN(x)) {
            return (bits >>> 16) | 0x40;
        }
        return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
    }

    private static float halfToFloat(int bits) {
        int sign = (bits & 0x8000) << 16;
        int magnitude = bits & 0x7fff;
        if (magnitude >= 0x7c00) {
            return Float.intBitsToFloat(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
        }
        if (magnitude < 0x400) {
            float subnormal = magnitude * 0x1p-24f;
            return sign != 0 ? -subnormal : subnormal;
        }
        return Float.intBitsToFloat(sign | ((magnitude << 13) + (112 << 23)));
    }

    private static int floatToHalf(float x) {
        int bits = Float.floatToRawIntBits(x);
        int sign = (bits >>> 16) & 0x8000;
        float magnitude = Float.intBitsToFloat(bits & 0x7fffffff);
        if (Float.isNaN(x)) {
            return sign | 0x7e00;
        }
        if (magnitude >= 65520f) {
            return sign | 0x7c00;
        }
        if (magnitude < 0x1p-14f) {
            // The last bit of a float near 0.5 is 2^-24, the step of a subnormal half, so the sum rounds half to even.
            return sign | (Float.floatToRawIntBits(magnitude + 0.5f) - Float.floatToRawIntBits(0.5f));
        }
        int m = bits & 0x7fffffff;
        return sign | ((m - (112 << 23) + 0xfff + ((m >>> 13) & 1)) >>> 13);
    }
}
