package io.kvscale.quant.kernel;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.kernel.VectorWidth;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops for BF16 values with F32 steps. An int lane holds two BF16 values. A shift or a mask gives either one as F32,
 * so values need no conversion between shapes. Codes need one, between bytes and shorts, which every CPU has.
 *
 * <p>No loop compares, blends, or takes the minimum or maximum of floats. Without AVX-512 each of these takes 5 to 15
 * instructions. Integer minima and maxima of F32 bits take one.
 *
 * <p>Scales and zero points are those of even columns, followed by those of odd columns from index {@code odd} on.
 */
final class PairLanes {
    private static final VectorSpecies<Byte> BYTES = VectorWidth.species(byte.class);
    private static final VectorSpecies<Float> FLOATS = VectorWidth.species(float.class);
    private static final VectorSpecies<Integer> INTS = VectorWidth.species(int.class);
    private static final VectorSpecies<Short> SHORTS = VectorWidth.species(short.class);
    /** One byte for each lane of {@link #SHORTS}. */
    private static final VectorSpecies<Byte> CODES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(VectorWidth.bits() / 2));

    /** Values of a vector. */
    private static final int VALUES = SHORTS.length();

    /** The biased F32 exponent of the smallest normal e4m3 number. */
    private static final int LEAST = -6 + 127;

    private static final int HIGH = 0xffff0000;
    private static final int MAGNITUDE = Integer.MAX_VALUE;

    /** The last bit of a sum with this number is worth 1, for numbers of either sign. */
    private static final float UNITS = 0x1.8p23f;

    private PairLanes() {}

    /** {@code count}, rounded up to whole vectors. */
    static int whole(int count) {
        return (count + VALUES - 1) / VALUES * VALUES;
    }

    /** BF16 x to F32 r(r(x / s) + zp): words of even columns, then those of odd columns from {@code odd} on. */
    static void shift(byte[] halves, int v, int[] words, int count, float[] scale, float[] zero, int odd) {
        IntVector high = IntVector.broadcast(INTS, HIGH);
        for (int i = 0; i < count; i += VALUES) {
            IntVector pairs = ByteVector.fromArray(BYTES, halves, v + 2 * i).reinterpretAsInts();
            int top = odd + i / 2;
            shift(pairs.lanewise(VectorOperators.LSHL, 16), scale, zero, i / 2).intoArray(words, i / 2);
            shift(pairs.and(high), scale, zero, top).intoArray(words, top);
        }
    }

    /**
     * In place: F32 bits to e4m3 codes. The last bit of a sum with 2^(exponent + 20) is one step of e4m3. So the sum rounds
     * half to even and counts steps: 0 to 8 below 2^-6, 8 to 16 above; step 16 is step 8 of the next exponent.
     */
    static void toE4m3(int[] words, int count) {
        // Vector constants outside the loop: scalar operands make the body twice as large and twice as slow.
        IntVector magnitudes = IntVector.broadcast(INTS, MAGNITUDE);
        IntVector exponents = IntVector.broadcast(INTS, 0x7f800000);
        IntVector most = IntVector.broadcast(INTS, Float.floatToRawIntBits(NumberFormat.FP8_E4M3.max()));
        IntVector least = IntVector.broadcast(INTS, LEAST << 23);
        IntVector twenty = IntVector.broadcast(INTS, 20 << 23);
        IntVector base = IntVector.broadcast(INTS, (LEAST << 3) + (20 << 23));
        IntVector signs = IntVector.broadcast(INTS, 0x80);
        for (int i = 0; i < count; i += INTS.length()) {
            IntVector bits = IntVector.fromArray(INTS, words, i);
            IntVector magnitude = bits.and(magnitudes).min(most);
            IntVector exponent = magnitude.and(exponents).max(least);
            IntVector sum = magnitude
                    .reinterpretAsFloats()
                    .add(exponent.add(twenty).reinterpretAsFloats())
                    .reinterpretAsInts();
            IntVector sign = bits.lanewise(VectorOperators.LSHR, 24).and(signs);
            IntVector octaves = exponent.lanewise(VectorOperators.LSHR, 20).sub(exponent);
            octaves.add(sum).sub(base).or(sign).intoArray(words, i);
        }
    }

    /** F32 bits of even and odd columns to int8 codes. */
    static void toInt8(int[] words, byte[] codes, int c, int count, int odd) {
        IntVector lower = IntVector.broadcast(INTS, 0xffff);
        for (int i = 0; i < count; i += VALUES) {
            IntVector low = int8(IntVector.fromArray(INTS, words, i / 2)).and(lower);
            store(low, int8(IntVector.fromArray(INTS, words, odd + i / 2)), codes, c + i);
        }
    }

    /** Words of even and odd columns that hold codes below 256, to codes. */
    static void pack(int[] words, byte[] codes, int c, int count, int odd) {
        for (int i = 0; i < count; i += VALUES) {
            IntVector low = IntVector.fromArray(INTS, words, i / 2);
            store(low, IntVector.fromArray(INTS, words, odd + i / 2), codes, c + i);
        }
    }

    private static void store(IntVector low, IntVector top, byte[] codes, int c) {
        ShortVector pairs = low.or(top.lanewise(VectorOperators.LSHL, 16)).reinterpretAsShorts();
        ((ByteVector) pairs.convertShape(VectorOperators.S2B, CODES, 0)).intoArray(codes, c);
    }

    /** The code in the low byte. Clamps magnitudes to 127 and, where the sign is set, 128. */
    static IntVector int8(IntVector bits) {
        IntVector sign = bits.lanewise(VectorOperators.ASHR, 31);
        IntVector most = sign.lanewise(VectorOperators.AND, 0x20000).add(Float.floatToRawIntBits(127f));
        IntVector magnitude = bits.lanewise(VectorOperators.AND, MAGNITUDE).min(most);
        return magnitude
                .or(sign.lanewise(VectorOperators.AND, ~MAGNITUDE))
                .reinterpretAsFloats()
                .add(UNITS)
                .reinterpretAsInts();
    }

    /** Codes to their numbers as BF16, which holds all of them. */
    static void fromE4m3(byte[] codes, int c, byte[] halves, int v, int count) {
        IntVector magnitudes = IntVector.broadcast(INTS, 0x7f << 20);
        for (int i = 0; i < count; i += VALUES) {
            IntVector pairs = ((ShortVector)
                            ByteVector.fromArray(CODES, codes, c + i).convertShape(VectorOperators.B2S, SHORTS, 0))
                    .reinterpretAsInts();
            IntVector low = number(
                    pairs.lanewise(VectorOperators.LSHL, 20).and(magnitudes), pairs.lanewise(VectorOperators.LSHL, 16));
            IntVector top = number(pairs.lanewise(VectorOperators.LSHL, 4).and(magnitudes), pairs);
            low.lanewise(VectorOperators.LSHR, 16).or(top).reinterpretAsBytes().intoArray(halves, v + 2 * i);
        }
    }

    /** In place: BF16 q to r((q - zp) * s), rounded to BF16. */
    static void unshift(byte[] halves, int v, int count, float[] scale, float[] zero, int odd) {
        IntVector high = IntVector.broadcast(INTS, HIGH);
        IntVector one = IntVector.broadcast(INTS, 1);
        IntVector half = IntVector.broadcast(INTS, 0x7fff);
        for (int i = 0; i < count; i += VALUES) {
            IntVector pairs = ByteVector.fromArray(BYTES, halves, v + 2 * i).reinterpretAsInts();
            IntVector low = unshift(pairs.lanewise(VectorOperators.LSHL, 16), scale, zero, i / 2, one, half);
            IntVector top = unshift(pairs.and(high), scale, zero, odd + i / 2, one, half);
            low.lanewise(VectorOperators.LSHR, 16)
                    .or(top.and(high))
                    .reinterpretAsBytes()
                    .intoArray(halves, v + 2 * i);
        }
    }

    /**
     * The F32 bits of an e4m3 number.
     *
     * @param fields its exponent and mantissa, in the place of F32's
     * @param sign has its sign bit
     */
    static IntVector number(IntVector fields, IntVector sign) {
        // With the exponent's bias corrected, the number is right above 2^-6, else too large. Doubled, less 2^-6, it is
        // right below 2^-6, else too large.
        IntVector normal = fields.add((LEAST - 1) << 23);
        IntVector small =
                fields.add(LEAST << 23).reinterpretAsFloats().sub(0x1p-6f).reinterpretAsInts();
        return normal.min(small).or(sign.lanewise(VectorOperators.AND, ~MAGNITUDE));
    }

    /** Codes to r((q - zp) * s), rounded to BF16, in one loop. */
    static void fromInt8(byte[] codes, int c, byte[] halves, int v, int count, float[] scale, float[] zero, int odd) {
        IntVector high = IntVector.broadcast(INTS, HIGH);
        IntVector one = IntVector.broadcast(INTS, 1);
        IntVector half = IntVector.broadcast(INTS, 0x7fff);
        for (int i = 0; i < count; i += VALUES) {
            IntVector pairs = ((ShortVector)
                            ByteVector.fromArray(CODES, codes, c + i).convertShape(VectorOperators.B2S, SHORTS, 0))
                    .reinterpretAsInts();
            IntVector low = integer(pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
            IntVector top = integer(pairs.lanewise(VectorOperators.ASHR, 16));
            low = unshift(low, scale, zero, i / 2, one, half);
            top = unshift(top, scale, zero, odd + i / 2, one, half);
            low.lanewise(VectorOperators.LSHR, 16)
                    .or(top.and(high))
                    .reinterpretAsBytes()
                    .intoArray(halves, v + 2 * i);
        }
    }

    private static IntVector integer(IntVector code) {
        return ((FloatVector) code.convert(VectorOperators.I2F, 0)).reinterpretAsInts();
    }

    private static IntVector shift(IntVector x, float[] scale, float[] zero, int at) {
        return x.reinterpretAsFloats()
                .div(FloatVector.fromArray(FLOATS, scale, at))
                .add(FloatVector.fromArray(FLOATS, zero, at))
                .reinterpretAsInts();
    }

    /** Rounded half to even to the upper 16 bits; the lower ones are left over. */
    private static IntVector unshift(IntVector q, float[] scale, float[] zero, int at, IntVector one, IntVector half) {
        IntVector bits = q.reinterpretAsFloats()
                .sub(FloatVector.fromArray(FLOATS, zero, at))
                .mul(FloatVector.fromArray(FLOATS, scale, at))
                .reinterpretAsInts();
        return bits.add(bits.lanewise(VectorOperators.LSHR, 16).and(one)).add(half);
    }
}
