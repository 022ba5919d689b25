package io.kvscale.observer.kernel;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.RotaryPairs;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The pair kernel value by value: the definition. */
final class ScalarPairKernel implements PairKernel {
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
        for (int head = 0; head < rows * heads; head++) {
            int from = offset + head * headDim * dtype.bytes();
            fold(dtype, data, from, pairs, 0, pairs.count(), squares, at + head % heads * pairs.count());
        }
    }

    /** Folds the pairs {@code [first, first + count)} of one head of one row, which begins at the byte {@code offset}. */
    static void fold(
            Dtype dtype,
            ByteBuffer data,
            int offset,
            RotaryPairs pairs,
            int first,
            int count,
            double[] squares,
            int at) {
        ByteBuffer little = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int bytes = dtype.bytes();
        for (int i = 0; i < count; i++) {
            double square = square(
                    dtype.toFloat(dtype.get(little, offset + pairs.first(first + i) * bytes)),
                    dtype.toFloat(dtype.get(little, offset + pairs.second(first + i) * bytes)));
            if (square > squares[at + i]) {
                squares[at + i] = square;
            }
        }
    }

    /** The square norm of a pair, rounded up. */
    static double square(float a, float b) {
        double x = squareOf(a);
        double y = squareOf(b);
        double greater = Math.max(x, y);
        double less = Math.min(x, y);
        double sum = greater + less;
        // What rounding took away from the sum is exact (Dekker).
        return less - (sum - greater) > 0 ? Math.nextUp(sum) : sum;
    }

    private static double squareOf(float x) {
        return Math.abs(x) <= Float.MAX_VALUE ? (double) x * x : 0;
    }
}
