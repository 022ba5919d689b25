package io.kvscale.observer.kernel;

import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link ShortTiles} for 32-bit values; its notes hold here too. */
final class IntTiles {
    private static final VectorSpecies<Integer> SPECIES = VectorWidth.species(int.class);
    private static final int LANES = SPECIES.length();
    private static final int STEP = SPECIES.vectorByteSize();
    /** Fewer values are not worth the arrays of a wide row. */
    private static final int MANY = 1 << 15;

    private IntTiles() {}

    /** {@link MinMaxKernel#fold32}; false, without any effect, if the values do not fill one vector. */
    static boolean fold(Object view, int offset, int width, int rows, int[] min, int[] max, int at) {
        int group = (width < LANES ? LANES : 4 * LANES) / Integer.lowestOneBit(width);
        if (width >= LANES && (group < 2 || group > 4 || width >= 4 * LANES || rows * width < MANY)) {
            columns(view, offset, width, rows, min, max, at);
            return true;
        }
        if (rows < group) {
            return false;
        }
        int wide = group * width;
        int[] lows = new int[wide];
        int[] highs = new int[wide];
        Arrays.fill(lows, Integer.MAX_VALUE);
        Arrays.fill(highs, Integer.MIN_VALUE);
        columns(view, offset, wide, rows / group, lows, highs, 0);
        columns(view, offset + Integer.BYTES * width * (rows - group), wide, 1, lows, highs, 0);
        for (int i = 0; i < wide; i += width) {
            for (int c = 0; c < width; c++) {
                min[at + c] = Math.min(min[at + c], lows[i + c]);
                max[at + c] = Math.max(max[at + c], highs[i + c]);
            }
        }
        return true;
    }

    private static void columns(Object view, int offset, int width, int rows, int[] min, int[] max, int at) {
        int stride = Integer.BYTES * width;
        int c = 0;
        for (; c <= width - 4 * LANES; c += 4 * LANES) {
            four(view, offset + Integer.BYTES * c, stride, rows, min, max, at + c);
        }
        for (; c < width; c += LANES) {
            int tile = Math.min(c, width - LANES);
            one(view, offset + Integer.BYTES * tile, stride, rows, min, max, at + tile);
        }
    }

    /** Four vectors side by side. */
    private static void four(Object view, int index, int stride, int rows, int[] min, int[] max, int at) {
        int b = at + LANES;
        int c = b + LANES;
        int d = c + LANES;
        IntVector minA = IntVector.fromArray(SPECIES, min, at);
        IntVector minB = IntVector.fromArray(SPECIES, min, b);
        IntVector minC = IntVector.fromArray(SPECIES, min, c);
        IntVector minD = IntVector.fromArray(SPECIES, min, d);
        IntVector maxA = IntVector.fromArray(SPECIES, max, at);
        IntVector maxB = IntVector.fromArray(SPECIES, max, b);
        IntVector maxC = IntVector.fromArray(SPECIES, max, c);
        IntVector maxD = IntVector.fromArray(SPECIES, max, d);
        for (int row = 0; row < rows; row++) {
            int p = index + row * stride;
            IntVector keysA = keys(view, p);
            IntVector keysB = keys(view, p + STEP);
            IntVector keysC = keys(view, p + 2 * STEP);
            IntVector keysD = keys(view, p + 3 * STEP);
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

    /** One vector. */
    private static void one(Object view, int index, int stride, int rows, int[] min, int[] max, int at) {
        IntVector lows = IntVector.fromArray(SPECIES, min, at);
        IntVector highs = IntVector.fromArray(SPECIES, max, at);
        for (int row = 0; row < rows; row++) {
            IntVector keys = keys(view, index + row * stride);
            lows = lows.min(keys);
            highs = highs.max(keys);
        }
        lows.intoArray(min, at);
        highs.intoArray(max, at);
    }

    /** {@link io.kvscale.numeric.Dtype#orderKey} of each lane. */
    private static IntVector keys(Object view, int index) {
        IntVector bits = VectorLoads.load(view, index).reinterpretAsInts();
        return bits.lanewise(
                VectorOperators.XOR,
                bits.lanewise(VectorOperators.ASHR, 31).lanewise(VectorOperators.AND, Integer.MAX_VALUE));
    }
}
