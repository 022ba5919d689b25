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
        ByteBuffer little = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int bytes = dtype.bytes();
        int count = pairs.count();
        for (int head = 0; head < rows * heads; head++) {
            int from = offset + head * headDim * bytes;
            int to = at + head % heads * count;
            for (int pair = 0; pair < count; pair++) {
                double square = square(
                        dtype.toFloat(dtype.get(little, from + pairs.first(pair) * bytes)),
                        dtype.toFloat(dtype.get(little, from + pairs.second(pair) * bytes)));
                if (square > squares[to + pair]) {
                    squares[to + pair] = square;
                }
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
