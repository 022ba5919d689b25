package io.kvscale.spark.functions;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.FlatQuantizer;
import io.kvscale.quant.Nvfp4;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.spark.sql.SparkErrors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * {@code kv_quantize}, {@code kv_dequantize} and {@code kv_fake_quantize}: the code behind them, which generated code
 * calls. Arrays of floats are F32 data; binary is of the dtype that comes with it, little endian, and so is what comes
 * back. Symmetric, one scale, every step in f32, the result rounded to the dtype; NVFP4 as {@link Nvfp4} has it.
 */
public final class QuantizationFunctions {
    static final String QUANTIZE = "kv_quantize";
    static final String DEQUANTIZE = "kv_dequantize";
    static final String FAKE_QUANTIZE = "kv_fake_quantize";

    private QuantizationFunctions() {}

    /** Codes, one a byte. */
    public static byte[] quantize(ArrayData values, double scale, UTF8String format) {
        return SparkErrors.translate(() ->
                quantizeBytes(SqlValues.bytesOfFloats(QUANTIZE, "values", values), "values", Dtype.F32, scale, format));
    }

    /** Codes, one a byte. */
    public static byte[] quantize(byte[] data, UTF8String dtype, double scale, UTF8String format) {
        return SparkErrors.translate(
                () -> quantizeBytes(data, "data", SqlValues.dtype(QUANTIZE, dtype.toString()), scale, format));
    }

    private static byte[] quantizeBytes(byte[] values, String argument, Dtype dtype, double scale, UTF8String format) {
        FlatQuantizer quantizer = quantizer(QUANTIZE, dtype, scale, format);
        SqlValues.checkFinite(QUANTIZE, argument, values, dtype);
        return quantizer.quantize(values);
    }

    /** The numbers behind codes. */
    public static ArrayData dequantize(byte[] codes, double scale, UTF8String format) {
        return SparkErrors.translate(() -> floats(dequantizeBytes(codes, Dtype.F32, scale, format)));
    }

    /** The values behind codes. */
    public static byte[] dequantize(byte[] codes, UTF8String dtype, double scale, UTF8String format) {
        return SparkErrors.translate(
                () -> dequantizeBytes(codes, SqlValues.dtype(DEQUANTIZE, dtype.toString()), scale, format));
    }

    private static byte[] dequantizeBytes(byte[] codes, Dtype dtype, double scale, UTF8String format) {
        FlatQuantizer quantizer = quantizer(DEQUANTIZE, dtype, scale, format);
        checkCodes(codes, SqlValues.format(DEQUANTIZE, format.toString()));
        return quantizer.dequantize(codes);
    }

    private static void checkCodes(byte[] codes, NumberFormat format) {
        int high = format.bits() == 4 ? 0xf0 : 0;
        for (int i = 0; i < codes.length; i++) {
            if ((codes[i] & high) != 0) {
                throw SqlValues.wrong(
                        DEQUANTIZE,
                        "codes",
                        "the byte at index " + i + " is " + (codes[i] & 0xff) + ", which is no code of 4 bits",
                        "give one code a byte, in its low four bits; unpack codes that share bytes");
            }
            float q = format.decode(codes[i] & 0xff);
            if (!(Math.abs(q) < Float.POSITIVE_INFINITY)) {
                throw SqlValues.wrong(
                        DEQUANTIZE,
                        "codes",
                        "the code at index " + i + " stands for " + q,
                        "kv_quantize gives no such code: check format");
            }
        }
    }

    /** What quantizing and dequantizing makes of values. */
    public static ArrayData fakeQuantize(ArrayData values, double scale, UTF8String format) {
        return SparkErrors.translate(() -> floats(fakeQuantizeBytes(
                SqlValues.bytesOfFloats(FAKE_QUANTIZE, "values", values), "values", Dtype.F32, scale, format)));
    }

    /** What quantizing and dequantizing makes of values. */
    public static byte[] fakeQuantize(byte[] data, UTF8String dtype, double scale, UTF8String format) {
        return SparkErrors.translate(
                () -> fakeQuantizeBytes(data, "data", SqlValues.dtype(FAKE_QUANTIZE, dtype.toString()), scale, format));
    }

    private static byte[] fakeQuantizeBytes(
            byte[] values, String argument, Dtype dtype, double scale, UTF8String format) {
        QuantizationScheme scheme = SqlValues.formatOrNvfp4(FAKE_QUANTIZE, format.toString());
        float calibrated = SqlValues.scale(FAKE_QUANTIZE, scale);
        SqlValues.checkFinite(FAKE_QUANTIZE, argument, values, dtype);
        GlobalScale convention = scheme.globalScale();
        if (convention == null) {
            return new FlatQuantizer(scheme.format(), dtype, calibrated).fakeQuantize(values);
        }
        SqlValues.checkGroups(FAKE_QUANTIZE, argument, values, dtype);
        return new Nvfp4(convention, calibrated, dtype).fakeQuantize(values);
    }

    private static FlatQuantizer quantizer(String function, Dtype dtype, double scale, UTF8String format) {
        return new FlatQuantizer(
                SqlValues.format(function, format.toString()), dtype, SqlValues.scale(function, scale));
    }

    private static ArrayData floats(byte[] values) {
        float[] floats = new float[values.length / Float.BYTES];
        ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
        return ArrayData.toArrayData(floats);
    }
}
