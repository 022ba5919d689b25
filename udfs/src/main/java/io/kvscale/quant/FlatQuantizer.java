package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.kernel.QuantKernel;
import io.kvscale.quant.kernel.QuantKernels;
import io.kvscale.quant.kernel.QuantSpec;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;

/**
 * Quantizes values with one symmetric scale, every step in f32. Values are little endian; codes are those of
 * {@link NumberFormat#encode}, one per byte. Not thread-safe.
 */
public final class FlatQuantizer {
    private static final byte[] NO_LOCALS = {};

    private final NumberFormat format;
    private final Dtype dtype;
    private final float scale;
    private final QuantKernel kernel;

    /**
     * @param dtype the type of values, before and after
     * @param scale finite and above 0
     */
    public FlatQuantizer(NumberFormat format, Dtype dtype, float scale) {
        this.format = format;
        this.dtype = dtype;
        this.scale = scale;
        this.kernel = QuantKernels.of(new QuantSpec(format, dtype, Dtype.F32, new float[] {scale}, new float[] {0f}));
    }

    /** The codes of finite values. Integers have no code for -0, so small negative values lose their sign. */
    public byte[] quantize(byte[] values) {
        byte[] codes = new byte[values.length / dtype.bytes()];
        kernel.quantize(ByteBuffer.wrap(values), 0, codes.length, codes, 0);
        return codes;
    }

    /** The values that codes stand for, rounded to the dtype. */
    public byte[] dequantize(byte[] codes) {
        byte[] values = new byte[codes.length * dtype.bytes()];
        kernel.dequantize(codes, 0, codes.length, ByteBuffer.wrap(values), 0);
        return values;
    }

    /** Quantizes and dequantizes finite values as compressed-tensors does: a small negative value gives -0. */
    public byte[] fakeQuantize(byte[] values) {
        int n = values.length / dtype.bytes();
        Geometry one = new Geometry(dtype, 1, 1);
        Quantizer quantizer = new Quantizer(
                new HeldScales(QuantizationScheme.of(format, Strategy.TENSOR), one, new float[] {scale}, new float[0]));
        byte[] codes = new byte[n];
        BitSet lowest = new BitSet();
        quantizer.quantize(new KvTensor(one, 1, n, ByteBuffer.wrap(values)), 0, 0, n, codes, NO_LOCALS, 0, lowest::set);
        ByteBuffer result = ByteBuffer.allocate(values.length).order(ByteOrder.LITTLE_ENDIAN);
        quantizer.dequantize(codes, NO_LOCALS, 0, 0, n, result, 0);
        lowest.stream().forEach(i -> quantizer.dequantizeLowest(0, result, i * dtype.bytes()));
        return result.array();
    }
}
