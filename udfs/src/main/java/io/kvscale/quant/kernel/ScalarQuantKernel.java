package io.kvscale.quant.kernel;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The reference implementation of {@link QuantKernel}, value by value, for every format and type. */
final class ScalarQuantKernel implements QuantKernel {
    private final QuantSpec spec;

    ScalarQuantKernel(QuantSpec spec) {
        this.spec = spec;
    }

    @Override
    public void quantize(ByteBuffer values, int offset, int rows, byte[] codes, int at) {
        ByteBuffer little = values.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        NumberFormat format = spec.format();
        Dtype dtype = spec.dtype();
        Dtype step = spec.step();
        for (int row = 0, i = 0; row < rows; row++) {
            for (int c = 0; c < spec.width(); c++, i++) {
                float x = dtype.toFloat(dtype.get(little, offset + dtype.bytes() * i));
                float t = step.round(x / spec.scale()[c]);
                codes[at + i] = (byte) format.encode(format.round(step.round(t + spec.zeroPoint()[c])));
            }
        }
    }

    @Override
    public void dequantize(byte[] codes, int at, int rows, ByteBuffer values, int offset) {
        ByteBuffer little = values.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        Dtype dtype = spec.dtype();
        Dtype step = spec.step();
        for (int row = 0, i = 0; row < rows; row++) {
            for (int c = 0; c < spec.width(); c++, i++) {
                float difference = step.round(spec.format().decode(codes[at + i]) - spec.zeroPoint()[c]);
                int bits = dtype.fromFloat(step.round(difference * spec.scale()[c]));
                dtype.put(little, offset + dtype.bytes() * i, bits);
            }
        }
    }
}
