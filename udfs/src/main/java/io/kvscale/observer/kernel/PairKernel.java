package io.kvscale.observer.kernel;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.RotaryPairs;
import java.nio.ByteBuffer;

/**
 * Computes the greatest square norm of each RoPE pair over heads of K.
 *
 * <p>The square norm of a pair is {@code a * a + b * b}, rounded up to f64: the least f64 that is not below the exact sum.
 * Squares of all dtypes are exact in f64, so the result is the same bits on every machine, and no true norm is above it. A NaN
 * or an infinity counts as 0, so that the other channel of its pair still counts.
 *
 * <p>Implementations hold no state and are thread-safe.
 */
public interface PairKernel {
    /** The kernel of this JVM. */
    PairKernel OF_THIS_JVM =
            KernelChoice.ofThisJvm().choose(() -> new VectorPairKernel(), () -> new ScalarPairKernel());

    /**
     * Folds rows of whole heads.
     *
     * @param offset absolute byte index of the first value in {@code data}, which may be odd; position and byte order of the
     *     buffer are ignored
     * @param heads neighbouring heads in a row
     * @param headDim values of a head
     * @param rows contiguous rows
     * @param squares the greatest square norms so far, which are replaced where a greater one is found
     * @param at index in {@code squares} of the first pair of the first head
     */
    void fold(
            Dtype dtype,
            ByteBuffer data,
            int offset,
            int heads,
            int headDim,
            int rows,
            RotaryPairs pairs,
            double[] squares,
            int at);
}
