package io.kvscale.observer.kernel;

import java.util.Arrays;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Minimum and maximum over rows of 16-bit values, one tile of columns at a time, with the accumulators in registers.
 *
 * <p>Folding a value twice changes no minimum or maximum. So if the columns or rows are not a multiple of the tile, the
 * last tile overlaps the one before: no lane is masked, and nothing beyond the rows is read.
 *
 * <p>{@link #four} and {@link #one} must each stay one plain loop over rows. With nested loops or a slightly larger body
 * the JIT allocates a vector object per operation, which takes eight times as long.
 */
final class ShortTiles {
    private static final VectorSpecies<Short> SPECIES = VectorWidth.species(short.class);
    private static final int LANES = SPECIES.length();
    private static final int STEP = SPECIES.vectorByteSize();
    /** Fewer values are not worth the arrays of a wide row. */
    private static final int MANY = 1 << 15;

    private ShortTiles() {}

    /** {@link MinMaxKernel#fold16}; false, without any effect, if the values do not fill one vector. */
    static boolean fold(Object view, int offset, int width, int rows, short[] min, short[] max, int at) {
        // Narrow rows are treated as one wide row that fills whole tiles, whose columns are combined at the end.
        // Rows below one vector need this. For wider rows it pays if a few of them fill a tile of four vectors.
        int group = (width < LANES ? LANES : 4 * LANES) / Integer.lowestOneBit(width);
        if (width >= LANES && (group < 2 || group > 4 || width >= 4 * LANES || rows * width < MANY)) {
            columns(view, offset, width, rows, min, max, at);
            return true;
        }
        if (rows < group) {
            return false;
        }
        int wide = group * width;
        short[] lows = new short[wide];
        short[] highs = new short[wide];
        Arrays.fill(lows, Short.MAX_VALUE);
        Arrays.fill(highs, Short.MIN_VALUE);
        columns(view, offset, wide, rows / group, lows, highs, 0);
        columns(view, offset + Short.BYTES * width * (rows - group), wide, 1, lows, highs, 0);
        for (int i = 0; i < wide; i += width) {
            for (int c = 0; c < width; c++) {
                min[at + c] = (short) Math.min(min[at + c], lows[i + c]);
                max[at + c] = (short) Math.max(max[at + c], highs[i + c]);
            }
        }
        return true;
    }

    private static void columns(Object view, int offset, int width, int rows, short[] min, short[] max, int at) {
        int stride = Short.BYTES * width;
        int c = 0;
        for (; c <= width - 4 * LANES; c += 4 * LANES) {
            four(view, offset + Short.BYTES * c, stride, rows, min, max, at + c);
        }
        for (; c < width; c += LANES) {
            int tile = Math.min(c, width - LANES);
            one(view, offset + Short.BYTES * tile, stride, rows, min, max, at + tile);
        }
    }

    /** Four vectors side by side: one BF16 row of head_dim 128 with 512-bit vectors. */
    private static void four(Object view, int index, int stride, int rows, short[] min, short[] max, int at) {
        int b = at + LANES;
        int c = b + LANES;
        int d = c + LANES;
        ShortVector minA = ShortVector.fromArray(SPECIES, min, at);
        ShortVector minB = ShortVector.fromArray(SPECIES, min, b);
        ShortVector minC = ShortVector.fromArray(SPECIES, min, c);
        ShortVector minD = ShortVector.fromArray(SPECIES, min, d);
        ShortVector maxA = ShortVector.fromArray(SPECIES, max, at);
        ShortVector maxB = ShortVector.fromArray(SPECIES, max, b);
        ShortVector maxC = ShortVector.fromArray(SPECIES, max, c);
        ShortVector maxD = ShortVector.fromArray(SPECIES, max, d);
        ShortVector magnitude = ShortVector.broadcast(SPECIES, Short.MAX_VALUE);
        for (int row = 0; row < rows; row++) {
            int p = index + row * stride;
            ShortVector keysA = keys(view, p, magnitude);
            ShortVector keysB = keys(view, p + STEP, magnitude);
            ShortVector keysC = keys(view, p + 2 * STEP, magnitude);
            ShortVector keysD = keys(view, p + 3 * STEP, magnitude);
            minA = minA.min(keysA);
            minB = minB.min(keysB);
            minC = minC.min(keysC);
            minD = minD.min(keysD);
            maxA = maxA.max(keysA);
            maxB = maxB.max(keysB);
            maxC = maxC.max(keysC);
            maxD = maxD.max(keysD);
        }
        minA.intoArray(min, at);
        minB.intoArray(min, b);
        minC.intoArray(min, c);
        minD.intoArray(min, d);
        maxA.intoArray(max, at);
        maxB.intoArray(max, b);
        maxC.intoArray(max, c);
        maxD.intoArray(max, d);
    }

    /**
     * One vector, four rows at a time. Of less than four rows the last is folded again. As long as {@link #four}, so that the
     * JIT does not inline it into a loop either.
     */
    private static void one(Object view, int index, int stride, int rows, short[] min, short[] max, int at) {
        int b = Math.min(1, rows - 1) * stride;
        int c = Math.min(2, rows - 1) * stride;
        int d = Math.min(3, rows - 1) * stride;
        int last = Math.max(0, rows - 4);
        ShortVector minA = ShortVector.fromArray(SPECIES, min, at);
        ShortVector minB = ShortVector.broadcast(SPECIES, Short.MAX_VALUE);
        ShortVector minC = ShortVector.broadcast(SPECIES, Short.MAX_VALUE);
        ShortVector minD = ShortVector.broadcast(SPECIES, Short.MAX_VALUE);
        ShortVector maxA = ShortVector.fromArray(SPECIES, max, at);
        ShortVector maxB = ShortVector.broadcast(SPECIES, Short.MIN_VALUE);
        ShortVector maxC = ShortVector.broadcast(SPECIES, Short.MIN_VALUE);
        ShortVector maxD = ShortVector.broadcast(SPECIES, Short.MIN_VALUE);
        ShortVector magnitude = ShortVector.broadcast(SPECIES, Short.MAX_VALUE);
        for (int row = 0; row < rows; row += 4) {
            int p = index + Math.min(row, last) * stride;
            ShortVector keysA = keys(view, p, magnitude);
            ShortVector keysB = keys(view, p + b, magnitude);
            ShortVector keysC = keys(view, p + c, magnitude);
            ShortVector keysD = keys(view, p + d, magnitude);
            minA = minA.min(keysA);
            minB = minB.min(keysB);
            minC = minC.min(keysC);
            minD = minD.min(keysD);
            maxA = maxA.max(keysA);
            maxB = maxB.max(keysB);
            maxC = maxC.max(keysC);
            maxD = maxD.max(keysD);
        }
        minA.min(minB).min(minC.min(minD)).intoArray(min, at);
        maxA.max(maxB).max(maxC.max(maxD)).intoArray(max, at);
    }

    /** {@link io.kvscale.numeric.Dtype#orderKey} of each lane. */
    private static ShortVector keys(Object view, int index, ShortVector magnitude) {
        ShortVector bits = VectorLoads.load(view, index).reinterpretAsShorts();
        ShortVector flipped = bits.lanewise(VectorOperators.ASHR, 15).lanewise(VectorOperators.AND, magnitude);
        return bits.lanewise(VectorOperators.XOR, flipped);
    }
}
