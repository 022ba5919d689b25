package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.tensor.KvTensor;

/**
 * Turns values into codes and codes into values with the scales of one slot, head by head.
 *
 * <p>Codes are {@link NumberFormat#encode}'s, one a byte, except that an integer's lowest code stands for -0 here: the
 * reference keeps q as a float, so a small negative value comes back as -0, and two's complement has no code for that.
 * Where q really is the lowest number, {@link Lowest} is told.
 */
public final class Quantizer {
    private final ScaleSet scales;
    private final NumberFormat format;
    private final Dtype step;
    private final int headDim;
    private final byte lowestCode;

    /** Receives the index of every code that is the lowest integer itself. */
    public interface Lowest {
        void at(int index);
    }

    public Quantizer(ScaleSet scales) {
        this.scales = scales;
        this.format = scales.scheme().format();
        this.step = scales.step();
        this.headDim = scales.geometry().headDim();
        this.lowestCode = (byte) format.encode(format.min());
    }

    /**
     * Quantizes neighbouring tokens of one head.
     *
     * @param first row-major index of the first value
     * @param at where its code goes; the codes of all tokens x head_dim values follow
     */
    public void quantize(KvTensor source, int first, int head, int tokens, byte[] codes, int at, Lowest lowest) {
        for (int i = 0; i < tokens * headDim; i++) {
            QuantParameters parameters = scales.ofChannel(head * headDim + i % headDim);
            float q = parameters.quantize(source.value(first + i), format, step);
            byte code = (byte) format.encode(q);
            if (format.isInteger()) {
                if (code == lowestCode) {
                    lowest.at(at + i);
                } else if (q == 0 && Float.floatToRawIntBits(q) != 0) {
                    code = lowestCode;
                }
            }
            codes[at + i] = code;
        }
    }

    /**
     * Writes the values behind neighbouring tokens of one head, in the slot's own dtype, little endian.
     *
     * @param at index of the first code
     * @param to byte offset of the first value in {@code values}
     */
    public void dequantize(byte[] codes, int at, int head, int tokens, byte[] values, int to) {
        for (int i = 0; i < tokens * headDim; i++) {
            byte code = codes[at + i];
            float q = format.isInteger() && code == lowestCode ? -0f : format.decode(code & 0xff);
            write(
                    q,
                    head * headDim + i % headDim,
                    values,
                    to + i * scales.geometry().dtype().bytes());
        }
    }

    /** Writes the value behind the lowest integer, which {@link Lowest} was told of. */
    public void dequantizeLowest(int channel, byte[] values, int to) {
        write(format.min(), channel, values, to);
    }

    private void write(float q, int channel, byte[] values, int to) {
        Dtype dtype = scales.geometry().dtype();
        int bits = dtype.fromFloat(scales.ofChannel(channel).dequantize(q, step));
        for (int b = 0; b < dtype.bytes(); b++) {
            values[to + b] = (byte) (bits >>> (8 * b));
        }
    }
}
