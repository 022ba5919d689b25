package io.kvscale.observer.kernel;

import java.nio.ByteBuffer;

/**
 * Folds rows of K or V values into one minimum and one maximum per column, as
 * {@linkplain io.kvscale.numeric.Dtype#orderKey order keys}.
 *
 * <p>A call reads {@code rows} x {@code width} contiguous little-endian values that start at the absolute index
 * {@code offset} of {@code data} (any index, odd ones too; position and byte order of the buffer are ignored, bytes
 * beyond its limit are never read), and folds column {@code c} into {@code min[at + c]} and {@code max[at + c]}. The
 * identity of the fold is the greatest key for a minimum and the least for a maximum.
 *
 * <p>NaN and infinities are folded in by their keys like any other pattern: a maximum at or above
 * {@link io.kvscale.numeric.Dtype#infinityKey}, or a minimum at or below its negative, tells that a column holds one,
 * and only then do the values have to be looked at again. So detecting them costs nothing.
 *
 * <p>Implementations hold no state: one serves all threads.
 */
public interface MinMaxKernel {
    /** Values of 16 bits, BF16 and F16 alike: their order keys are the same function of the pattern. */
    void fold16(ByteBuffer data, int offset, int width, int rows, short[] min, short[] max, int at);

    /** Values of 32 bits. */
    void fold32(ByteBuffer data, int offset, int width, int rows, int[] min, int[] max, int at);
}
