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
 * The loops of {@link VectorQuantKernel}: flat, without branches, over {@linkplain PairLanes#whole whole vectors}. F32 values are
 * held as their bits. Every loop is one small step over a chunk in the first-level cache. In a much larger body the JIT
 * allocates vectors on the heap, which costs far more than another pass over the cache.
 */
final class QuantLanes {
    private static final VectorSpecies<Float> FLOATS = VectorWidth.species(float.class);
    private static final VectorSpecies<Integer> INTS = VectorWidth.species(int.class);
    private static final int LANES = FLOATS.length();
    /** One byte per lane. With fewer than 8 lanes there is no such shape of bytes. */
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, Byte.SIZE * LANES)));

    /**
     * Two bytes per lane: halves are loaded and stored as bytes. Shorts would need a second shape of short vectors, and once
     * such a class is loaded, JDK 17 allocates every vector in the loop of the min/max kernel.
     */
    private static final VectorSpecies<Byte> PAIRS =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, Short.SIZE * LANES)));

    private static final VectorSpecies<Short> SHORTS = VectorWidth.species(short.class);

    /** The biased F32 exponent of the smallest normal e4m3 number. */
    private static final int LEAST = -6 + 127;

    private QuantLanes() {}

    /** Whether vectors are wide enough for these loops. Throws LinkageError if the Vector API differs from the build's. */
    static boolean isSupported() {
        return LANES >= 8;
    }

    /** Whether {@link #widenAndShift} and {@link #toE4m3} are faster than {@link PairLanes}: with AVX-512. */
    static boolean areFastest() {
        return LANES >= 16;
    }

    /** BF16, as little-endian bytes, to F32. */
    static void widen(byte[] halves, int at, int[] words, int count) {
        for (int i = 0; i < count; i += LANES) {
            wide(halves, at + Short.BYTES * i).intoArray(words, i);
        }
    }

    /** {@link #widen} and {@link #shift} without rounding in one. */
    static void widenAndShift(byte[] halves, int at, int[] words, int count, float[] scale, float[] zeroPoint) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector x = wide(halves, at + Short.BYTES * i).reinterpretAsFloats();
            FloatVector t = x.div(FloatVector.fromArray(FLOATS, scale, i));
            t.add(FloatVector.fromArray(FLOATS, zeroPoint, i))
                    .reinterpretAsInts()
                    .intoArray(words, i);
        }
    }

    private static IntVector wide(byte[] halves, int at) {
        // Every byte becomes the low byte of a short, so that an int holds the two of one value, 16 bits apart.
        IntVector bytes = ((ShortVector)
                        ByteVector.fromArray(PAIRS, halves, at).convertShape(VectorOperators.B2S, SHORTS, 0))
                .reinterpretAsInts();
        IntVector low = bytes.lanewise(VectorOperators.AND, 0xff).lanewise(VectorOperators.LSHL, 16);
        return bytes.lanewise(VectorOperators.LSHL, 8)
                .lanewise(VectorOperators.AND, 0xff000000)
                .or(low);
    }

    /** F32 to BF16 as little-endian bytes, half to even. */
    static void narrow(int[] words, byte[] halves, int at, int count) {
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = round(IntVector.fromArray(INTS, words, i), 0xffff);
            IntVector high = bits.lanewise(VectorOperators.LSHR, 8).lanewise(VectorOperators.AND, 0xff0000);
            ShortVector bytes = bits.lanewise(VectorOperators.LSHR, 16).or(high).reinterpretAsShorts();
            ((ByteVector) bytes.convertShape(VectorOperators.S2B, PAIRS, 0)).intoArray(halves, at + Short.BYTES * i);
        }
    }

    /** In place: x to r(r(x / s) + zp). */
    static void shift(int[] words, int count, float[] scale, float[] zeroPoint, int dropped) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector x = IntVector.fromArray(INTS, words, i).reinterpretAsFloats();
            IntVector t = round(x.div(FloatVector.fromArray(FLOATS, scale, i)).reinterpretAsInts(), dropped);
            FloatVector zero = FloatVector.fromArray(FLOATS, zeroPoint, i);
            round(t.reinterpretAsFloats().add(zero).reinterpretAsInts(), dropped)
                    .intoArray(words, i);
        }
    }

    /** In place: q to r(q - zp) * s; the last rounding is {@link #narrow}'s. */
    static void unshift(int[] words, int count, float[] scale, float[] zeroPoint, int dropped) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector q = IntVector.fromArray(INTS, words, i).reinterpretAsFloats();
            IntVector t =
                    round(q.sub(FloatVector.fromArray(FLOATS, zeroPoint, i)).reinterpretAsInts(), dropped);
            FloatVector product = t.reinterpretAsFloats().mul(FloatVector.fromArray(FLOATS, scale, i));
            product.reinterpretAsInts().intoArray(words, i);
        }
    }

    static void toE4m3(int[] words, int count, byte[] codes, int at) {
        // Vector constants outside the loop: scalar operands make the body twice as large and twice as slow.
        IntVector magnitudes = IntVector.broadcast(INTS, Integer.MAX_VALUE);
        IntVector exponents = IntVector.broadcast(INTS, 0x7f800000);
        IntVector most = IntVector.broadcast(INTS, Float.floatToRawIntBits(NumberFormat.FP8_E4M3.max()));
        IntVector least = IntVector.broadcast(INTS, LEAST << 23);
        IntVector least8 = IntVector.broadcast(INTS, LEAST << 3);
        IntVector twenty = IntVector.broadcast(INTS, 20 << 23);
        IntVector signs = IntVector.broadcast(INTS, 0x80);
        for (int i = 0; i < count; i += LANES) {
            IntVector bits = IntVector.fromArray(INTS, words, i);
            IntVector magnitude = bits.and(magnitudes).min(most);
            IntVector exponent = magnitude.and(exponents).max(least);
            // The last bit of a sum with 2^(exponent + 20) is one step of e4m3. So the sum rounds half to even and
            // counts steps: 0 to 8 below 2^-6, 8 to 16 above; step 16 is step 8 of the next exponent.
            IntVector magic = exponent.add(twenty);
            IntVector sum = magnitude
                    .reinterpretAsFloats()
                    .add(magic.reinterpretAsFloats())
                    .reinterpretAsInts();
            IntVector octaves = exponent.lanewise(VectorOperators.LSHR, 20).sub(least8);
            IntVector sign = bits.lanewise(VectorOperators.LSHR, 24).and(signs);
            store(octaves.add(sum.sub(magic)).or(sign), codes, at + i);
        }
    }

    static void toInt8(int[] words, int count, byte[] codes, int at) {
        for (int i = 0; i < count; i += LANES) {
            store(PairLanes.int8(IntVector.fromArray(INTS, words, i)), codes, at + i);
        }
    }

    static void fromE4m3(byte[] codes, int at, int count, int[] words) {
        for (int i = 0; i < count; i += LANES) {
            IntVector code = load(codes, at + i);
            IntVector fields = code.lanewise(VectorOperators.AND, 0x7f).lanewise(VectorOperators.LSHL, 20);
            PairLanes.number(fields, code).intoArray(words, i);
        }
    }

    static void fromInt8(byte[] codes, int at, int count, int[] words) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector number = (FloatVector) load(codes, at + i).convert(VectorOperators.I2F, 0);
            number.reinterpretAsInts().intoArray(words, i);
        }
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
