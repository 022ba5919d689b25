package io.kvscale.observer.kernel;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.RotaryPairs;
import java.nio.ByteBuffer;

/** The pair kernel on the Vector API, for 16-bit values; loaded only if its module is present. */
final class VectorPairKernel implements PairKernel {
    /** Below this, squares in f32 lose bits to underflow. */
    private static final double LEAST = 0x1p-90;

    /** More than f32 loses in the sum of two squares of 16-bit values. */
    private static final double MARGIN = 1 - 0x1p-20;

    private final ScalarPairKernel scalar = new ScalarPairKernel();

    /** Links all classes of the kernel, so that an incompatible JDK fails here, when the kernel is chosen. */
    VectorPairKernel() {
        float[] none = new float[PairTiles.LANES];
        Object view = VectorLoads.view(VectorLoads.allocate(0));
        PairTiles.halves(view, 0, 0, 0, 0, 0, 0, 1, none, none);
        PairTiles.neighbors(view, 0, 0, 0, 0, 0, 1, none);
    }

    @Override
    public void fold(
            Dtype dtype,
            ByteBuffer data,
            int offset,
            int heads,
            int headDim,
            int rows,
            RotaryPairs pairs,
            double[] squares,
            int at) {
        int tile = pairs.neighbors() ? PairTiles.LANES : 2 * PairTiles.LANES;
        if (dtype == Dtype.F32 || pairs.count() < tile) {
            scalar.fold(dtype, data, offset, heads, headDim, rows, pairs, squares, at);
            return;
        }
        int stride = heads * headDim * Short.BYTES;
        VectorMinMaxKernel.chunks(data, offset, stride, rows, (values, view, from, count) -> {
            for (int head = 0; head < heads; head++) {
                Tile run = new Tile(dtype, values, view, from + head * headDim * Short.BYTES, stride, count, pairs);
                for (int pair = 0; pair < pairs.count(); pair += tile) {
                    // The last tile overlaps the one before: a value that is folded twice changes no maximum.
                    int first = Math.min(pair, pairs.count() - tile);
                    run.fold(first, tile, squares, at + head * pairs.count() + first);
                }
            }
        });
    }

    /** The rows of one head. */
    private record Tile(
            Dtype dtype, ByteBuffer values, Object view, int offset, int stride, int rows, RotaryPairs pairs) {
        void fold(int first, int count, double[] squares, int at) {
            float[] even = new float[PairTiles.LANES];
            float[] odd = new float[PairTiles.LANES];
            for (int row = 0; row < rows; row++) {
                row = next(first, row, bounds(even, odd, count, squares, at), odd);
                if (row < rows) {
                    ScalarPairKernel.fold(dtype, values, offset + row * stride, pairs, first, count, squares, at);
                }
            }
        }

        private int next(int first, int row, float[] even, float[] odd) {
            int shift = dtype == Dtype.BF16 ? 0 : 3;
            float factor = dtype == Dtype.BF16 ? 1 : 0x1p112f;
            int a = offset + pairs.first(first) * Short.BYTES;
            int b = offset + pairs.second(first) * Short.BYTES;
            return pairs.neighbors()
                    ? PairTiles.neighbors(view, a, stride, row, rows, shift, factor, even)
                    : PairTiles.halves(view, a, b, stride, row, rows, shift, factor, even, odd);
        }

        /** Sets the bounds that every greater square norm reaches; returns {@code even}. */
        private float[] bounds(float[] even, float[] odd, int count, double[] squares, int at) {
            for (int i = 0; i < count; i++) {
                double square = squares[at + i];
                float bound = square < LEAST ? 0 : (float) Math.min(square * MARGIN, Float.MAX_VALUE);
                (pairs.neighbors() || i % 2 == 0 ? even : odd)[pairs.neighbors() ? i : i / 2] = bound;
            }
            return even;
        }
    }
}
