package io.kvscale.quant.kernel;

import java.nio.ByteBuffer;

/**
 * Quantizes rows of values to codes, one byte per code (4-bit codes too; the cache packs them), and back.
 *
 * <p>r() rounds to the step type: {@code q = round(clamp(r(r(x / s) + zp)))} and {@code out = r(r(q - zp) * s)}, rounded to
 * the type of values. Values are little endian, at absolute indices of a buffer; its position and order are ignored. NaN
 * gives an arbitrary code. Integers have one code for +0 and -0.
 *
 * <p>Not thread-safe: it has scratch memory.
 */
public interface QuantKernel {
    /** Quantizes {@code rows} rows of {@code values}, from byte {@code offset} on, to {@code codes[at ..]}. */
    void quantize(ByteBuffer values, int offset, int rows, byte[] codes, int at);

    /** Dequantizes codes of {@link #quantize}. */
    void dequantize(byte[] codes, int at, int rows, ByteBuffer values, int offset);

    /** {@link #quantize}, and {@link #dequantize} to {@code result} from byte {@code to} on, in one pass where it can. */
    default void fakeQuantize(
            ByteBuffer values, int offset, int rows, byte[] codes, int at, ByteBuffer result, int to) {
        quantize(values, offset, rows, codes, at);
        dequantize(codes, at, rows, result, to);
    }
}
