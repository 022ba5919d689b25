package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.quant.kernel.QuantKernel;
import io.kvscale.quant.kernel.QuantKernels;
import io.kvscale.quant.kernel.QuantSpec;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.KvTensor;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Quantizes and dequantizes the values of one slot, head by head. Not thread-safe.
 *
 * <p>Codes are those of {@link NumberFormat#encode}, one per byte, except that the lowest code of an integer means -0.
 * compressed-tensors keeps q as a float, so a small negative value becomes -0, for which two's complement has no code.
 * {@link Lowest} receives the indices of codes that are the lowest number itself.
 *
 * <p>NVFP4 keeps the local scale of every group of codes in a second array, which other schemes ignore.
 */
public final class Quantizer {
    private final HeldScales scales;
    private final NumberFormat format;
    private final Dtype dtype;
    private final Dtype step;
    private final int headDim;
    private final byte lowestCode;
    private final @Nullable Nvfp4 nvfp4;
    private final QuantKernel[] kernels;

    /** Receives the index of every code that is the lowest integer, not -0. */
    public interface Lowest {
        void at(int index);
    }

    public Quantizer(HeldScales scales) {
        this.scales = scales;
        this.format = scales.scheme().format();
        this.dtype = scales.geometry().dtype();
        this.step = scales.scheme().step(scales.geometry());
        this.headDim = scales.geometry().headDim();
        this.lowestCode = (byte) format.encode(format.min());
        this.nvfp4 = scales.nvfp4();
        this.kernels = new QuantKernel[nvfp4 == null ? scales.geometry().heads() : 0];
        for (int head = 0; head < kernels.length; head++) {
            kernels[head] = head > 0 && scales.scale().length == 1 ? kernels[0] : kernel(head);
        }
    }

    private QuantKernel kernel(int head) {
        float[] scale = new float[headDim];
        float[] zeroPoint = new float[headDim];
        for (int d = 0; d < headDim; d++) {
            QuantParameters parameters = scales.ofChannel(head * headDim + d);
            scale[d] = parameters.scale();
            zeroPoint[d] = parameters.zeroPoint();
        }
        return QuantKernels.of(new QuantSpec(format, dtype, step, scale, zeroPoint));
    }

    /** The number of local scales for so many codes; 0 except for NVFP4. */
    public int locals(int codes) {
        return nvfp4 == null ? 0 : codes / QuantizationScheme.NVFP4_GROUP_SIZE;
    }

    /**
     * Quantizes neighbouring tokens of one head.
     *
     * @param first row-major index of the first value in {@code source}
     * @param locals receives local scales; {@link #locals} gives their number
     * @param at index of the first of tokens x head_dim codes
     */
    public void quantize(
            KvTensor source, int first, int head, int tokens, byte[] codes, byte[] locals, int at, Lowest lowest) {
        if (nvfp4 != null) {
            nvfp4.quantize(source.values(), first * dtype.bytes(), tokens * headDim, codes, locals, at);
            return;
        }
        kernels[head].quantize(source.values(), first * dtype.bytes(), tokens, codes, at);
        if (format.isInteger()) {
            for (int i = 0; i < tokens * headDim; i++) {
                if (codes[at + i] == lowestCode) {
                    lowest.at(at + i);
                } else if (codes[at + i] == 0
                        && isNegativeZero(source.value(first + i), head * headDim + i % headDim)) {
                    codes[at + i] = lowestCode;
                }
            }
        }
    }

    private boolean isNegativeZero(float x, int channel) {
        return x < 0 && Float.floatToRawIntBits(scales.ofChannel(channel).quantize(x, format, step)) == 0x80000000;
    }

    /**
     * Dequantizes neighbouring tokens of one head to the dtype of the slot, little endian.
     *
     * @param at index of the first code
     * @param to byte offset of the first value in {@code values}
     */
    public void dequantize(byte[] codes, byte[] locals, int at, int head, int tokens, ByteBuffer values, int to) {
        if (nvfp4 != null) {
            nvfp4.dequantize(codes, locals, at, tokens * headDim, values, to);
            return;
        }
        kernels[head].dequantize(codes, at, tokens, values, to);
        if (format.isInteger()) {
            for (int i = 0; i < tokens * headDim; i++) {
                if (codes[at + i] == lowestCode) {
                    write(-0f, head * headDim + i % headDim, values, to + i * dtype.bytes());
                }
            }
        }
    }

    /**
     * {@link #quantize}, and {@link #dequantize} of its codes. Values of codes that {@code lowest} receives are written by {@link
     * #dequantizeLowest}.
     *
     * @param to byte offset of the first value in {@code values}
     */
    public void fakeQuantize(
            KvTensor source,
            int first,
            int head,
            int tokens,
            byte[] codes,
            byte[] locals,
            int at,
            Lowest lowest,
            ByteBuffer values,
            int to) {
        if (nvfp4 == null && !format.isInteger()) {
            kernels[head].fakeQuantize(source.values(), first * dtype.bytes(), tokens, codes, at, values, to);
            return;
        }
        quantize(source, first, head, tokens, codes, locals, at, lowest);
        dequantize(codes, locals, at, head, tokens, values, to);
    }

    /** Writes the value of the lowest integer, at an index that {@link Lowest} received. */
    public void dequantizeLowest(int channel, ByteBuffer values, int to) {
        write(format.min(), channel, values, to);
    }

    private void write(float q, int channel, ByteBuffer values, int to) {
        int bits = dtype.fromFloat(scales.ofChannel(channel).dequantize(q, step));
        for (int b = 0; b < dtype.bytes(); b++) {
            values.put(to + b, (byte) (bits >>> (8 * b)));
        }
    }
}
