package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.Range;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * NVFP4: fp4 codes, one local fp8 e4m3 scale per {@value QuantizationScheme#NVFP4_GROUP_SIZE} neighbouring values along
 * head_dim, and one calibrated global scale. Local scales are computed with the codes.
 *
 * <p>r() rounds to the type of K and V; all else is f32; a is the greatest absolute value of the group:
 *
 * <ul>
 *   <li>divisor: {@code l = e4m3(min(448, g * r(a / 6)))}, {@code s = l / g}, bit-identical to compressed-tensors
 *   <li>absmax_448 and multiplier: {@code l = e4m3(min(448, r(a / 6) / g))}, {@code s = l * g}
 *   <li>all: {@code q = fp4(x / s)}, {@code out = r(q * s)}; an s of 0 gives 0
 * </ul>
 *
 * @param convention the convention of the global scale
 * @param global finite and above 0
 * @param dtype the type of values, before and after
 */
public record Nvfp4(GlobalScale convention, float global, Dtype dtype) {
    private static final int GROUP = QuantizationScheme.NVFP4_GROUP_SIZE;
    private static final NumberFormat CODES = NumberFormat.FP4_E2M1;
    private static final NumberFormat LOCALS = NumberFormat.FP8_E4M3;

    /** The remedy for a slot of zeros. */
    static final String ZERO =
            "check how K and V were captured; allow_zero does not apply to NVFP4: give this slot another"
                    + " strategy, or ignore its layer";

    /**
     * The global scale of a range.
     *
     * @throws io.kvscale.tensor.InvalidDataException if the range is 0 or the scale overflows f32; it names no slot
     */
    static float globalScale(Range range, GlobalScale convention) {
        float most = Math.max(Math.abs(range.min()), Math.abs(range.max()));
        if (most == 0) {
            throw ScaleSet.problem("the range is 0, for which NVFP4 has no global scale", ZERO);
        }
        float global = convention.of(most);
        if (!(global > 0 && global < Float.POSITIVE_INFINITY)) {
            throw ScaleSet.problem(
                    "the greatest absolute value is " + most + ", and " + convention.formula() + " is " + global
                            + " as a 32-bit float",
                    "check how K and V were captured: models do not produce values this small");
        }
        return global;
    }

    /** The code of the local scale of a group with this greatest absolute value. */
    byte local(float most) {
        float part = dtype.round(most / CODES.max());
        float local = convention.divides() ? global * part : part / global;
        return (byte) LOCALS.encode(LOCALS.round(local));
    }

    /** The factor of the fp4 numbers of a group; 0 if all its values become 0. */
    public float scale(byte local) {
        float number = LOCALS.decode(local & 0xff);
        return convention.divides() ? number / global : number * global;
    }

    /**
     * Quantizes finite values.
     *
     * @param offset byte offset of the first value, little endian
     * @param count number of values, a multiple of 16
     * @param codes receives one code per byte from {@code at} on
     * @param locals receives the code of one local scale per group, from {@code at / 16} on
     * @param at a multiple of 16
     */
    public void quantize(ByteBuffer values, int offset, int count, byte[] codes, byte[] locals, int at) {
        ByteBuffer little = values.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        float[] group = new float[GROUP];
        for (int first = 0; first < count; first += GROUP) {
            float most = 0;
            for (int i = 0; i < GROUP; i++) {
                group[i] = dtype.toFloat(dtype.get(little, offset + dtype.bytes() * (first + i)));
                most = Math.max(most, Math.abs(group[i]));
            }
            byte local = local(most);
            float scale = scale(local);
            locals[(at + first) / GROUP] = local;
            for (int i = 0; i < GROUP; i++) {
                codes[at + first + i] = scale == 0 ? 0 : (byte) CODES.encode(CODES.round(group[i] / scale));
            }
        }
    }

    /** Dequantizes the result of {@link #quantize} to values from byte {@code offset} on. */
    public void dequantize(byte[] codes, byte[] locals, int at, int count, ByteBuffer values, int offset) {
        ByteBuffer little = values.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        for (int first = 0; first < count; first += GROUP) {
            float scale = scale(locals[(at + first) / GROUP]);
            for (int i = first; i < first + GROUP; i++) {
                int bits = dtype.fromFloat(CODES.decode(codes[at + i]) * scale);
                dtype.put(little, offset + dtype.bytes() * i, bits);
            }
        }
    }

    /** Quantizes and dequantizes finite values, little endian, in whole groups. */
    public byte[] fakeQuantize(byte[] values) {
        int count = values.length / dtype.bytes();
        byte[] codes = new byte[count];
        byte[] locals = new byte[count / GROUP];
        quantize(ByteBuffer.wrap(values), 0, count, codes, locals, 0);
        byte[] result = new byte[values.length];
        dequantize(codes, locals, 0, count, ByteBuffer.wrap(result), 0);
        return result;
    }
}
