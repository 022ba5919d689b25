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
import java.util.function.IntToDoubleFunction;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * {@code kv_quantization_error}; generated code calls the public methods. The error is that of the dequantized f32 value,
 * before it is rounded to the dtype of the data. Sums are f64, in the order of the data.
 */
public final class QuantizationErrorFunction {
    static final String NAME = "kv_quantization_error";

    static final DataType TYPE =
            DataType.fromDDL("struct<sqnr_db: double, mse: double, max_error: double, saturated: bigint>");

    private QuantizationErrorFunction() {}

    /** The error of F32 values, as a row of {@link #TYPE}; null without values. */
    public static @Nullable InternalRow error(ArrayData values, double scale, UTF8String format) {
        return SparkErrors.translate(
                () -> error(SqlValues.bytesOfFloats(NAME, "values", values), "values", Dtype.F32, scale, format));
    }

    /** The error of little-endian values of a dtype, as a row of {@link #TYPE}; null without values. */
    public static @Nullable InternalRow error(byte[] data, UTF8String dtype, double scale, UTF8String format) {
        return SparkErrors.translate(() -> error(data, "data", SqlValues.dtype(NAME, dtype.toString()), scale, format));
    }

    private static @Nullable InternalRow error(
            byte[] values, String argument, Dtype dtype, double givenScale, UTF8String givenFormat) {
        QuantizationScheme scheme = SqlValues.formatOrNvfp4(NAME, givenFormat.toString());
        NumberFormat format = scheme.format();
        float calibrated = SqlValues.scale(NAME, givenScale);
        SqlValues.checkFinite(NAME, argument, values, dtype);
        GlobalScale convention = scheme.globalScale();
        byte[] codes;
        IntToDoubleFunction scaleOf;
        if (convention == null) {
            codes = new FlatQuantizer(format, dtype, calibrated).quantize(values);
            scaleOf = i -> calibrated;
        } else {
            SqlValues.checkGroups(NAME, argument, values, dtype);
            Nvfp4 nvfp4 = new Nvfp4(convention, calibrated, dtype);
            codes = new byte[values.length / dtype.bytes()];
            byte[] locals = new byte[codes.length / QuantizationScheme.NVFP4_GROUP_SIZE];
            nvfp4.quantize(ByteBuffer.wrap(values), 0, codes.length, codes, locals, 0);
            scaleOf = i -> nvfp4.scale(locals[i / QuantizationScheme.NVFP4_GROUP_SIZE]);
        }
        ByteBuffer little = ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN);
        double signal = 0;
        double noise = 0;
        double largest = 0;
        long saturated = 0;
        for (int i = 0; i < codes.length; i++) {
            float x = dtype.toFloat(dtype.get(little, i * dtype.bytes()));
            float scale = (float) scaleOf.applyAsDouble(i);
            double error = (double) (format.decode(codes[i] & 0xff) * scale) - x;
            signal += (double) x * x;
            noise += error * error;
            largest = Math.max(largest, Math.abs(error));
            float scaled = scale == 0 ? 0f : x / scale; // with a local scale of 0, values become 0 and do not saturate
            saturated += scaled < format.min() || scaled > format.max() ? 1 : 0;
        }
        if (codes.length == 0) {
            return null;
        }
        double sqnr = noise == 0 ? Double.POSITIVE_INFINITY : 10 * StrictMath.log10(signal / noise);
        return new GenericInternalRow(new Object[] {sqnr, noise / codes.length, largest, saturated});
    }
}
