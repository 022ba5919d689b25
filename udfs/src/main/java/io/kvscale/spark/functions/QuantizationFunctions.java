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
 * {@code kv_quantize}, {@code kv_dequantize} and {@code kv_fake_quantize}; generated code calls the public methods.
 * Float arrays are F32 data. Binary data is little endian, of the dtype given with it, and so is the result. Quantization
 * is symmetric with one scale. Every step is computed in f32, and the result is rounded to the dtype. NVFP4 follows
 * {@link Nvfp4}.
 */
public final class QuantizationFunctions {
    static final String QUANTIZE = "kv_quantize";
    static final String DEQUANTIZE = "kv_dequantize";
    static final String FAKE_QUANTIZE = "kv_fake_quantize";

    private QuantizationFunctions() {}

    /** The codes of values, one per byte. */
    public static byte[] quantize(ArrayData values, double scale, UTF8String format) {
        return SparkErrors.translate(() ->
                quantizeBytes(SqlValues.bytesOfFloats(QUANTIZE, "values", values), "values", Dtype.F32, scale, format));
    }

    /** The codes of values, one per byte. */
    public static byte[] quantize(byte[] data, UTF8String dtype, double scale, UTF8String format) {
        return SparkErrors.translate(
                () -> quantizeBytes(data, "data", SqlValues.dtype(QUANTIZE, dtype.toString()), scale, format));
    }

    private static byte[] quantizeBytes(byte[] values, String argument, Dtype dtype, double scale, UTF8String format) {
        FlatQuantizer quantizer = quantizer(QUANTIZE, dtype, scale, format);
        SqlValues.checkFinite(QUANTIZE, argument, values, dtype);
        return quantizer.quantize(values);
    }

    /** The F32 values of codes. */
    public static ArrayData dequantize(byte[] codes, double scale, UTF8String format) {
        return SparkErrors.translate(() -> floats(dequantizeBytes(codes, Dtype.F32, scale, format)));
    }

    /** The values of codes, rounded to a dtype. */
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
                        "the byte at index " + i + " is " + (codes[i] & 0xff) + ", which is not a 4-bit code",
                        "pass one code per byte, in the low four bits; unpack codes that share a byte");
            }
            float q = format.decode(codes[i] & 0xff);
            if (!(Math.abs(q) < Float.POSITIVE_INFINITY)) {
                throw SqlValues.wrong(
                        DEQUANTIZE,
                        "codes",
                        "the code at index " + i + " stands for " + q,
                        "check format: kv_quantize never returns this code");
            }
        }
    }

    /** Quantizes F32 values and dequantizes them again. */
    public static ArrayData fakeQuantize(ArrayData values, double scale, UTF8String format) {
        return SparkErrors.translate(() -> floats(fakeQuantizeBytes(
                SqlValues.bytesOfFloats(FAKE_QUANTIZE, "values", values), "values", Dtype.F32, scale, format)));
    }

    /** Quantizes values of a dtype and dequantizes them again. */
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
