package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.GlobalScale;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * NVFP4 as compressed-tensors computes it: fp4 numbers, a local e4m3 scale for every {@value #GROUP} neighbouring values,
 * made of the values themselves, and one calibrated global scale.
 *
 * <p>With g = 2688 / absmax, for a group of greatest magnitude m: {@code l = e4m3(min(448, g * r(m / 6)))}, {@code s = l / g},
 * {@code out = r(fp4(x / s) * s)}; r rounds to the type of the values, all else is f32. With g = absmax / 2688 the same with
 * {@code r(m / 6) / g} and {@code l * g}.
 */
public final class NvFp4 {
    /** Values along head_dim that share a local scale. */
    public static final int GROUP = 16;

    private static final float LARGEST_FP4 = 6;
    private static final float LARGEST_E4M3 = 448;
    private static final float UNIT = LARGEST_FP4 * LARGEST_E4M3;

    private final GlobalScale way;
    private final float global;
    private final Dtype dtype;

    /**
     * @param global finite and above 0
     * @param dtype of the values
     */
    public NvFp4(GlobalScale way, float global, Dtype dtype) {
        this.way = way;
        this.global = global;
        this.dtype = dtype;
    }

    /**
     * The global scale of values up to {@code absmax}.
     *
     * @throws ArithmeticException if it is not finite and above 0
     */
    static float globalScale(float absmax, GlobalScale way) {
        float scale = switch (way) {
            case COMPRESSED_TENSORS -> 1 / absmax * UNIT;
            case MODELOPT -> absmax / UNIT;
        };
        if (!(scale > 0 && scale < Float.POSITIVE_INFINITY)) {
            throw new ArithmeticException(
                    "the NVFP4 scale of values up to " + absmax + " is " + scale + ", which is not finite and above 0");
        }
        return scale;
    }

    /** The local scale of a group, a number of e4m3. @param absmax its greatest magnitude */
    float localScale(float absmax) {
        float sixth = dtype.round(absmax / LARGEST_FP4);
        float local = way == GlobalScale.COMPRESSED_TENSORS ? global * sixth : sixth / global;
        return NumberFormat.FP8_E4M3.round(Math.min(LARGEST_E4M3, local));
    }

    /**
     * What is left of finite values once they were quantized and dequantized.
     *
     * @param values of the dtype, little endian, whole groups
     */
    public byte[] fakeQuantize(byte[] values) {
        ByteBuffer in = ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer out = ByteBuffer.allocate(values.length).order(ByteOrder.LITTLE_ENDIAN);
        float[] group = new float[GROUP];
        while (in.hasRemaining()) {
            float absmax = 0;
            for (int i = 0; i < GROUP; i++) {
                group[i] = dtype.toFloat(dtype == Dtype.F32 ? in.getInt() : in.getShort() & 0xffff);
                absmax = Math.max(absmax, Math.abs(group[i]));
            }
            float local = localScale(absmax);
            float scale = way == GlobalScale.COMPRESSED_TENSORS ? local / global : local * global;
            for (float x : group) {
                int bits = dtype.fromFloat(local == 0 ? 0f : NumberFormat.FP4_E2M1.round(x / scale) * scale);
                if (dtype == Dtype.F32) {
                    out.putInt(bits);
                } else {
                    out.putShort((short) bits);
                }
            }
        }
        return out.array();
    }
}
