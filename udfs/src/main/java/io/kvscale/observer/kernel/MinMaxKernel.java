package io.kvscale.observer.kernel;

import java.nio.ByteBuffer;

/**
 * Computes the minimum and maximum of each column over rows of K or V values, as
 * {@linkplain io.kvscale.numeric.Dtype#orderKey order keys}.
 *
 * <p>A call reads {@code rows * width} contiguous little-endian values from the absolute byte index {@code offset} of
 * {@code data}, which may be odd. It ignores position and byte order of the buffer and never reads beyond its limit. It
 * folds column {@code c} into {@code min[at + c]} and {@code max[at + c]}; callers initialize these with the greatest and
 * the least key.
 *
 * <p>NaN and infinities are folded by their keys like any other pattern. A maximum at or above
 * {@link io.kvscale.numeric.Dtype#infinityKey}, or a minimum at or below {@code negativeInfinityKey}, shows that a column
 * holds one; only then must the values be read again.
 *
 * <p>Implementations hold no state and are thread-safe.
 */
public interface MinMaxKernel {
    /** The kernel of this JVM. */
    MinMaxKernel OF_THIS_JVM =
            KernelChoice.ofThisJvm().choose(() -> new VectorMinMaxKernel(), () -> new ScalarMinMaxKernel());

    /** For BF16 and F16, whose order keys are one function of the pattern. */
    void fold16(ByteBuffer data, int offset, int width, int rows, short[] min, short[] max, int at);

    /** For F32. */
    void fold32(ByteBuffer data, int offset, int width, int rows, int[] min, int[] max, int at);
}
