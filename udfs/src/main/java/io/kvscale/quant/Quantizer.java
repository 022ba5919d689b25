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
 * Turns values into codes and codes into values with the scales of one slot, head by head. For one thread.
 *
 * <p>Codes are {@link NumberFormat#encode}'s, one a byte, except that an integer's lowest code stands for -0 here: the
 * reference keeps q as a float, so a small negative value comes back as -0, and two's complement has no code for that.
 * Where q really is the lowest number, {@link Lowest} is told.
 *
 * <p>NVFP4 has a local scale for every group of codes, in an array beside theirs; no other scheme looks at that array.
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

    /** Receives the index of every code that is the lowest integer itself. */
    public interface Lowest {
        void at(int index);
    }

    public Quantizer(HeldScales scales) {
        this.scales = scales;
        this.format = scales.scheme().format();
        this.dtype = scales.geometry().dtype();
        this.step = scales.step();
        this.headDim = scales.geometry().headDim();
        this.lowestCode = (byte) format.encode(format.min());
        this.nvfp4 = scales.nvfp4();
        this.kernels = new QuantKernel[nvfp4 == null ? scales.geometry().heads() : 0];
        boolean alike = scales.isOne();
        for (int head = 0; head < kernels.length; head++) {
            kernels[head] = alike && head > 0 ? kernels[0] : kernel(head);
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

    /** The length of the array of local scales beside that many codes: 0 but for NVFP4. */
    public int locals(int codes) {
        return nvfp4 == null ? 0 : codes / QuantizationScheme.NVFP4_GROUP_SIZE;
    }

    /**
     * Quantizes neighbouring tokens of one head.
     *
     * @param first row-major index of the first value
     * @param locals of {@link #locals} codes
     * @param at where its code goes; the codes of all tokens x head_dim values follow
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
     * Writes the values behind neighbouring tokens of one head, in the slot's own dtype, little endian.
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

    /** Writes the value behind the lowest integer, which {@link Lowest} was told of. */
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
