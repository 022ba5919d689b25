package io.kvscale.quant.kernel;

import java.nio.ByteBuffer;

/**
 * Turns rows of values into codes, one byte a code (also of a 4-bit format: packing is the cache's), and back.
 *
 * <p>The arithmetic, with r() = rounded to the step's type: {@code q = round(clamp(r(r(x / s) + zp)))} and
 * {@code out = r(r(q - zp) * s)}, rounded to the values' type. Values are little-endian at an absolute index of a
 * buffer, whatever its position and order. A NaN gives some code. The codes of integers do not tell -0 from +0.
 *
 * <p>Keeps scratch memory: one thread at a time.
 */
public interface QuantKernel {
    /** {@code rows} rows of {@code values} from byte {@code offset} on, to {@code codes[at ..]}. */
    void quantize(ByteBuffer values, int offset, int rows, byte[] codes, int at);

    /** The reverse: codes that {@link #quantize} gave, to values. */
    void dequantize(byte[] codes, int at, int rows, ByteBuffer values, int offset);
}
