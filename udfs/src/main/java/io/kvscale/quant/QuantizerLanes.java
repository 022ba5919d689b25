package io.kvscale.quant;

import io.kvscale.numeric.NumberFormat;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops of {@link VectorQuantizer}: flat, without branches, over arrays that are {@linkplain #whole whole vectors}
 * long. F32 values travel as their bits.
 */
final class QuantizerLanes {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final int LANES = FLOATS.length();
    /** As many lanes, of two bytes and of one; with fewer than 8 lanes there is no such shape of bytes. */
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(Math.max(64, Short.SIZE * LANES)));

    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, Byte.SIZE * LANES)));

    /** The least exponent of e4m3 as a float counts them: 1 is its code 8. */
    private static final int LEAST = -6 + 127;

    private static final int SIGN = 0x80000000;
    private static final int E4M3_MAX = Float.floatToRawIntBits(NumberFormat.FP8_E4M3.max());

    /** The last bit of a sum with this is one, for numbers of either sign. */
    private static final float UNITS = 0x1.8p23f;

    private QuantizerLanes() {}

    /** Whether this machine has vectors that are wide enough. */
    static boolean isSupported() {
        return LANES >= 8;
    }

    /** {@code count}, rounded up to whole vectors. */
    static int whole(int count) {
        return (count + LANES - 1) / LANES * LANES;
    }

    /** BF16 to F32. */
    static void widen(short[] halves, int[] words, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits =
                    (IntVector) ShortVector.fromArray(SHORTS, halves, i).convertShape(VectorOperators.S2I, INTS, 0);
            bits.lanewise(VectorOperators.LSHL, 16).intoArray(words, i);
        }
    }

    /** F32 to BF16, half to even. */
    static void narrow(int[] words, short[] halves, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = round(IntVector.fromArray(INTS, words, i), 0xffff);
            ((ShortVector) bits.lanewise(VectorOperators.LSHR, 16).convertShape(VectorOperators.I2S, SHORTS, 0))
                    .intoArray(halves, i);
        }
    }

    static void toE4m3(int[] words, int count, float[] scale, float[] zeroPoint, int dropped, byte[] codes) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = shifted(words, i, scale, zeroPoint, dropped);
            IntVector magnitude = bits.lanewise(VectorOperators.AND, ~SIGN).min(E4M3_MAX);
            IntVector exponent = magnitude.lanewise(VectorOperators.LSHR, 23).max(LEAST);
            // 2^(exponent + 20): the last bit of a sum with it is one step of e4m3, so the sum rounds half to even
            // there, and counts the steps: 0 to 8 of them below 2^-6, 8 to 16 above; a 16th is the next exponent's 8th.
            IntVector magic = exponent.add(20).lanewise(VectorOperators.LSHL, 23);
            IntVector sum = magnitude
                    .reinterpretAsFloats()
                    .add(magic.reinterpretAsFloats())
                    .reinterpretAsInts();
            IntVector steps =
                    exponent.sub(LEAST).lanewise(VectorOperators.LSHL, 3).add(sum.sub(magic));
            IntVector sign = bits.lanewise(VectorOperators.LSHR, 24).lanewise(VectorOperators.AND, 0x80);
            store(steps.lanewise(VectorOperators.OR, sign), codes, i);
        }
    }

    static void toInt8(int[] words, int count, float[] scale, float[] zeroPoint, int dropped, byte[] codes) {
        float min = NumberFormat.INT8.min();
        float max = NumberFormat.INT8.max();
        for (int i = 0; i < count; i += LANES) {
            FloatVector t = shifted(words, i, scale, zeroPoint, dropped).reinterpretAsFloats();
            store(t.max(min).min(max).add(UNITS).reinterpretAsInts(), codes, i);
        }
    }

    static void fromE4m3(byte[] codes, int count, float[] scale, float[] zeroPoint, int dropped, int[] words) {
        for (int i = 0; i < count; i += LANES) {
            IntVector code = load(codes, i);
            IntVector magnitude = code.lanewise(VectorOperators.AND, 0x7f);
            IntVector normal = magnitude.lanewise(VectorOperators.LSHL, 20).add((LEAST - 1) << 23);
            IntVector small = ((FloatVector) magnitude.convert(VectorOperators.I2F, 0))
                    .mul(0x1p-9f)
                    .reinterpretAsInts();
            IntVector number = normal.blend(small, magnitude.compare(VectorOperators.LT, 8));
            IntVector sign = code.lanewise(VectorOperators.AND, SIGN);
            scaled(
                    number.lanewise(VectorOperators.OR, sign).reinterpretAsFloats(),
                    i,
                    scale,
                    zeroPoint,
                    dropped,
                    words);
        }
    }

    static void fromInt8(byte[] codes, int count, float[] scale, float[] zeroPoint, int dropped, int[] words) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector number = (FloatVector) load(codes, i).convert(VectorOperators.I2F, 0);
            scaled(number, i, scale, zeroPoint, dropped, words);
        }
    }

    /** r(r(x / s) + zp). */
    private static IntVector shifted(int[] words, int i, float[] scale, float[] zeroPoint, int dropped) {
        FloatVector x = IntVector.fromArray(INTS, words, i).reinterpretAsFloats();
        IntVector t = round(x.div(FloatVector.fromArray(FLOATS, scale, i)).reinterpretAsInts(), dropped);
        FloatVector zero = FloatVector.fromArray(FLOATS, zeroPoint, i);
        return round(t.reinterpretAsFloats().add(zero).reinterpretAsInts(), dropped);
    }

    /** r(q - zp) * s; the last rounding is {@link #narrow}'s. */
    private static void scaled(FloatVector q, int i, float[] scale, float[] zeroPoint, int dropped, int[] words) {
        FloatVector zero = FloatVector.fromArray(FLOATS, zeroPoint, i);
        FloatVector t = round(q.sub(zero).reinterpretAsInts(), dropped).reinterpretAsFloats();
        t.mul(FloatVector.fromArray(FLOATS, scale, i)).reinterpretAsInts().intoArray(words, i);
    }

    /** Rounds F32 bits half to even where {@code dropped} is 0xffff, and leaves them where it is 0. */
    private static IntVector round(IntVector bits, int dropped) {
        IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).lanewise(VectorOperators.AND, dropped & 1);
        return bits.add(odd).add(dropped >>> 1).lanewise(VectorOperators.AND, ~dropped);
    }

    /** Codes sign-extended, so that an int8 is its number and an fp8's sign is the int's. */
    private static IntVector load(byte[] codes, int i) {
        return (IntVector) ByteVector.fromArray(BYTES, codes, i).convertShape(VectorOperators.B2I, INTS, 0);
    }

    /** The low byte of each lane. */
    private static void store(IntVector codes, byte[] bytes, int i) {
        ((ByteVector) codes.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(bytes, i);
    }
}
