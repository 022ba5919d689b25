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
 * The loops from BF16 to e4m3 codes and back to BF16 with one scale s, F32 steps and no zero point.
 *
 * <p>What concerns the magnitude, exponent and sign of a value is done in 16-bit lanes, what concerns the quotient in 32-bit
 * lanes, one for even and one for odd values. All parameters are broadcast: arrays of scales, as in {@link PairLanes}, halve
 * the rate with 512 bits.
 *
 * <p>{@link #sum} and {@link #finish} must each stay one plain loop. In one loop JDK 17 allocates vectors. Both have more than
 * 325 bytes of bytecode, so the JIT does not inline them into one.
 *
 * @param limit BF16 bits of a value whose code is the greatest; greater ones have that code, too
 * @param shift added to the BF16 bits of a magnitude x, gives the exponent of {@code 2^20 * x / s} in its place
 * @param high the upper 16 bits of {@code 1 / s}, so that the product with a BF16 value, which has 8, is exact
 * @param low the rest of {@code 1 / s}
 */
record OneScaleLanes(float scale, short limit, short shift, float high, float low) {
    private static final VectorSpecies<Byte> BYTES = VectorWidth.species(byte.class);
    private static final VectorSpecies<Short> SHORTS = VectorWidth.species(short.class);
    private static final VectorSpecies<Integer> INTS = VectorWidth.species(int.class);
    private static final VectorSpecies<Float> FLOATS = VectorWidth.species(float.class);
    /** One byte for each lane of {@link #SHORTS}. */
    private static final VectorSpecies<Byte> CODES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(VectorWidth.bits() / 2));

    private static final int VALUES = SHORTS.length();

    /** Within these, no intermediate result that decides a code or a value overflows or loses bits to underflow. */
    private static final float LEAST_SCALE = 0x1p-60f;

    private static final float GREATEST_SCALE = 0x1p16f;

    /** The biased exponent of 2^20: the last bit of a sum with {@code 2^(20 + e)} is a step of e4m3 numbers from 2^e on. */
    private static final int TWENTY = 127 + 20;

    /** That of the smallest normal e4m3 number, below which steps stay the same. */
    private static final int LEAST = TWENTY - 6;

    /** Whether the loops give the codes and values of {@link ScalarQuantKernel}. */
    static boolean fit(QuantSpec spec) {
        float scale = spec.scale()[0];
        if (!VectorQuantKernel.isPaired(spec)
                || spec.format() != NumberFormat.FP8_E4M3
                || scale < LEAST_SCALE
                || scale > GREATEST_SCALE
                || isTiedByAny(scale)) {
            return false;
        }
        for (int i = 0; i < spec.width(); i++) {
            if (spec.scale()[i] != scale || Float.floatToRawIntBits(spec.zeroPoint()[i]) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Whether an e4m3 number times the scale lies in the middle of two BF16 numbers, where {@link #finish} rounds up. */
    private static boolean isTiedByAny(float scale) {
        for (int significand = 8; significand < 16; significand++) {
            if ((Float.floatToRawIntBits(significand * scale) & 0xffff) == 0x8000) {
                return true;
            }
        }
        return false;
    }

    static OneScaleLanes of(float scale) {
        float high = Float.intBitsToFloat(Float.floatToRawIntBits(1 / scale) & 0xffffff00);
        return new OneScaleLanes(
                scale,
                (short) (Float.floatToRawIntBits(NumberFormat.FP8_E4M3.max() * scale) >>> 16),
                // x / s reaches a power of two where the BF16 bits of x reach those of s, rounded up.
                (short) ((TWENTY << 7) - ((Float.floatToRawIntBits(scale) + 0xffff) >>> 16)),
                high,
                (float) ((1 - (double) high * scale) / scale));
    }

    /**
     * The quotient that {@link #sum} computes. It is not always the nearest F32, but on the same side of every e4m3 number and
     * of every middle of two as {@code x / s} rounded to F32: true for every significand of s and BF16.
     */
    float quotient(float x) {
        return x * high + x * low;
    }

    /**
     * BF16 x to {@code |x| / s + 2^(20 + e)} with the sign of x, where e is the exponent of the quotient, at least -6. The sum
     * rounds half to even to a step of e4m3, and its lower half counts steps.
     *
     * @param sums receives those of even values, followed by those of odd values from the middle on
     * @param magics receives the upper 16 bits of {@code 2^(20 + e)} with the sign of x; the sign of -0 is that of 0
     */
    void sum(byte[] halves, int v, int count, int[] sums, short[] magics) {
        int odd = sums.length / 2;
        FloatVector most = FloatVector.broadcast(FLOATS, high);
        FloatVector rest = FloatVector.broadcast(FLOATS, low);
        ShortVector limits = ShortVector.broadcast(SHORTS, limit);
        ShortVector shifts = ShortVector.broadcast(SHORTS, shift);
        ShortVector magnitudes = ShortVector.broadcast(SHORTS, Short.MAX_VALUE);
        ShortVector exponents = ShortVector.broadcast(SHORTS, (short) 0x7f80);
        ShortVector least = ShortVector.broadcast(SHORTS, (short) (LEAST << 7));
        ShortVector signs = ShortVector.broadcast(SHORTS, Short.MIN_VALUE);
        ShortVector zero = ShortVector.zero(SHORTS);
        IntVector upper = IntVector.broadcast(INTS, 0xffff0000);
        for (int i = 0; i < count; i += VALUES) {
            ShortVector x = ByteVector.fromArray(BYTES, halves, v + 2 * i).reinterpretAsShorts();
            ShortVector magnitude = x.and(magnitudes);
            ShortVector sign = zero.sub(magnitude).and(x).and(signs);
            magnitude = magnitude.min(limits);
            ShortVector magic = magnitude.add(shifts).and(exponents).max(least).or(sign);
            magic.intoArray(magics, i);
            IntVector pairs = magnitude.or(sign).reinterpretAsInts();
            IntVector twos = magic.reinterpretAsInts();
            FloatVector even = pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector top = pairs.and(upper).reinterpretAsFloats();
            even.mul(most)
                    .add(even.mul(rest))
                    .add(twos.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats())
                    .reinterpretAsInts()
                    .intoArray(sums, i / 2);
            top.mul(most)
                    .add(top.mul(rest))
                    .add(twos.and(upper).reinterpretAsFloats())
                    .reinterpretAsInts()
                    .intoArray(sums, odd + i / 2);
        }
    }

    /**
     * Results of {@link #sum} to codes and to BF16 q * s. A sum less its power of two is q, but for the sign of 0. Step 16 of an
     * exponent is step 8 of the next one, so codes are steps plus 8 for each exponent above the least.
     */
    void finish(int[] sums, short[] magics, int count, byte[] codes, int c, byte[] halves, int v) {
        int odd = sums.length / 2;
        FloatVector scales = FloatVector.broadcast(FLOATS, scale);
        ShortVector base = ShortVector.broadcast(SHORTS, (short) (LEAST << 3));
        ShortVector steps = ShortVector.broadcast(SHORTS, (short) 0x7f);
        ShortVector codeSign = ShortVector.broadcast(SHORTS, (short) 0x80);
        ShortVector signs = ShortVector.broadcast(SHORTS, Short.MIN_VALUE);
        IntVector upper = IntVector.broadcast(INTS, 0xffff0000);
        IntVector lower = IntVector.broadcast(INTS, 0xffff);
        IntVector half = IntVector.broadcast(INTS, 0x8000);
        for (int i = 0; i < count; i += VALUES) {
            ShortVector magic = ShortVector.fromArray(SHORTS, magics, i);
            IntVector even = IntVector.fromArray(INTS, sums, i / 2);
            IntVector top = IntVector.fromArray(INTS, sums, odd + i / 2);
            ShortVector counts =
                    even.and(lower).or(top.lanewise(VectorOperators.LSHL, 16)).reinterpretAsShorts();
            ShortVector code = counts.add(magic.lanewise(VectorOperators.LSHR, 4))
                    .sub(base)
                    .and(steps)
                    .or(magic.lanewise(VectorOperators.LSHR, 8).and(codeSign));
            ((ByteVector) code.convertShape(VectorOperators.S2B, CODES, 0)).intoArray(codes, c + i);
            IntVector twos = magic.reinterpretAsInts();
            IntVector low = even.reinterpretAsFloats()
                    .sub(twos.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats())
                    .mul(scales)
                    .reinterpretAsInts();
            IntVector high = top.reinterpretAsFloats()
                    .sub(twos.and(upper).reinterpretAsFloats())
                    .mul(scales)
                    .reinterpretAsInts();
            low.add(half)
                    .lanewise(VectorOperators.LSHR, 16)
                    .or(high.add(half).and(upper))
                    .reinterpretAsShorts()
                    .or(magic.and(signs))
                    .reinterpretAsBytes()
                    .intoArray(halves, v + 2 * i);
        }
    }
}
