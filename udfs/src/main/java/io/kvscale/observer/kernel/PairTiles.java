package io.kvscale.observer.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Finds the rows in which a pair of 16-bit values may have a greater square norm than any before.
 *
 * <p>New maxima are rare: a few hundred rows of a million. So square norms are computed in f32, two values in each 32-bit lane,
 * and only rows that reach a bound just below the maximum are computed exactly.
 *
 * <p>{@link #halves} and {@link #neighbors} must each stay one plain loop, as in {@link ShortTiles}.
 */
final class PairTiles {
    private static final VectorSpecies<Integer> INTS = VectorWidth.species(int.class);
    private static final VectorSpecies<Float> FLOATS = VectorWidth.species(float.class);
    static final int LANES = INTS.length();
    /** The patterns of two values without their signs. */
    private static final int MAGNITUDES = 0x7fff7fff;
    /** The pattern of the value in the high half of a lane, without its sign. */
    private static final int HIGH = 0x7fff0000;

    private PairTiles() {}

    /**
     * The first row, at or after {@code from}, that may have a new maximum in a tile of {@code 2 * LANES} pairs whose channels
     * lie in two runs; {@code rows} if there is none.
     *
     * @param first byte index of the first channels of the tile in row 0
     * @param second byte index of the second channels
     * @param shift how far a pattern at the top of a lane is shifted to be that of an f32: 0 for BF16, 3 for F16
     * @param factor of that f32: 1 for BF16, 2^112 for F16
     * @param even bounds of pairs 0, 2 and so on
     * @param odd bounds of pairs 1, 3 and so on
     */
    static int halves(
            Object view,
            int first,
            int second,
            int stride,
            int from,
            int rows,
            int shift,
            float factor,
            float[] even,
            float[] odd) {
        FloatVector evenBound = FloatVector.fromArray(FLOATS, even, 0);
        FloatVector oddBound = FloatVector.fromArray(FLOATS, odd, 0);
        for (int row = from; row < rows; row++) {
            IntVector a = VectorLoads.load(view, first + row * stride).reinterpretAsInts();
            IntVector b = VectorLoads.load(view, second + row * stride).reinterpretAsInts();
            FloatVector lowA = low(a, shift).mul(factor);
            FloatVector lowB = low(b, shift).mul(factor);
            FloatVector highA = high(a, shift).mul(factor);
            FloatVector highB = high(b, shift).mul(factor);
            VectorMask<Float> below = lowA.mul(lowA)
                    .add(lowB.mul(lowB))
                    .compare(VectorOperators.LT, evenBound)
                    .and(highA.mul(highA).add(highB.mul(highB)).compare(VectorOperators.LT, oddBound));
            // Zeros never are a new maximum, but are not below a bound of 0.
            if (!below.allTrue() && isAnyNew(below, a.or(b))) {
                return row;
            }
        }
        return rows;
    }

    /** As {@link #halves}, for a tile of {@code LANES} pairs whose channels are neighbours. */
    static int neighbors(
            Object view, int first, int stride, int from, int rows, int shift, float factor, float[] bounds) {
        FloatVector bound = FloatVector.fromArray(FLOATS, bounds, 0);
        for (int row = from; row < rows; row++) {
            IntVector pair = VectorLoads.load(view, first + row * stride).reinterpretAsInts();
            FloatVector a = low(pair, shift).mul(factor);
            FloatVector b = high(pair, shift).mul(factor);
            VectorMask<Float> below = a.mul(a).add(b.mul(b)).compare(VectorOperators.LT, bound);
            if (!below.allTrue() && isAnyNew(below, pair)) {
                return row;
            }
        }
        return rows;
    }

    private static boolean isAnyNew(VectorMask<Float> below, IntVector bits) {
        return bits.and(MAGNITUDES)
                .compare(VectorOperators.NE, 0)
                .andNot(below.cast(INTS))
                .anyTrue();
    }

    private static FloatVector low(IntVector bits, int shift) {
        return bits.lanewise(VectorOperators.LSHL, 17)
                .lanewise(VectorOperators.LSHR, shift + 1)
                .reinterpretAsFloats();
    }

    private static FloatVector high(IntVector bits, int shift) {
        return bits.and(HIGH).lanewise(VectorOperators.LSHR, shift).reinterpretAsFloats();
    }
}
