package io.kvscale.spark.functions;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.spark.TestSpark;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.types.UTF8String;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The quantization functions against {@link NumberFormat} and {@link QuantParameters}, value by value. */
class QuantizationFunctionsTest {
    static Stream<Arguments> formatsAndDtypes() {
        return Stream.of(NumberFormat.values())
                .flatMap(format -> Stream.of(Dtype.values()).map(dtype -> Arguments.of(format, dtype)));
    }

    @ParameterizedTest
    @MethodSource("formatsAndDtypes")
    void binaryEqualsTheReferenceOfEachValue(NumberFormat format, Dtype dtype) {
        for (float scale : new float[] {0.05f, 1f, 3e-30f, 1e30f}) {
            byte[] data = values(dtype, scale, format);
            int n = data.length / dtype.bytes();
            UTF8String name = text(format.name().toLowerCase(Locale.ROOT));
            byte[] codes = QuantizationFunctions.quantize(data, text(dtype.name()), scale, name);
            byte[] back = QuantizationFunctions.dequantize(codes, text(dtype.name()), scale, name);
            byte[] fake = QuantizationFunctions.fakeQuantize(data, text(dtype.name()), scale, name);
            QuantParameters parameters = new QuantParameters(scale, 0f);
            assertThat(codes).hasSize(n);
            for (int i = 0; i < n; i++) {
                float x = value(data, dtype, i);
                float q = parameters.quantize(x, format, Dtype.F32);
                assertThat(codes[i] & 0xff).as("code of %s", x).isEqualTo(format.encode(q));
                assertThat(bits(back, dtype, i))
                        .as("back of %s", x)
                        .isEqualTo(dtype.fromFloat(parameters.dequantize(format.decode(codes[i] & 0xff), Dtype.F32)));
                assertThat(bits(fake, dtype, i))
                        .as("fake of %s", x)
                        .isEqualTo(dtype.fromFloat(parameters.dequantize(q, Dtype.F32)));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void anArrayIsF32Data(NumberFormat format) {
        UTF8String name = text(format.name());
        byte[] data = values(Dtype.F32, 0.05f, format);
        float[] floats = new float[data.length / 4];
        ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
        ArrayData array = ArrayData.toArrayData(floats);
        byte[] codes = QuantizationFunctions.quantize(data, text("F32"), 0.05, name);
        assertThat(QuantizationFunctions.quantize(array, 0.05, name)).isEqualTo(codes);
        assertThat(bytes(QuantizationFunctions.dequantize(codes, 0.05, name)))
                .isEqualTo(QuantizationFunctions.dequantize(codes, text("F32"), 0.05, name));
        assertThat(bytes(QuantizationFunctions.fakeQuantize(array, 0.05, name)))
                .isEqualTo(QuantizationFunctions.fakeQuantize(data, text("F32"), 0.05, name));
        assertThat(QuantizationErrorFunction.error(array, 0.05, name))
                .isEqualTo(QuantizationErrorFunction.error(data, text("F32"), 0.05, name));
    }

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void everyFiniteCodeRoundTrips(NumberFormat format) {
        for (int code = 0; code < 1 << format.bits(); code++) {
            float q = format.decode(code);
            if (Math.abs(q) < Float.POSITIVE_INFINITY && Float.floatToRawIntBits(q) != 0x80000000) {
                byte[] one = {(byte) code};
                ArrayData value = QuantizationFunctions.dequantize(one, 0.25, text(format.name()));
                assertThat(value.getFloat(0)).isEqualTo(q * 0.25f);
                assertThat(QuantizationFunctions.quantize(value, 0.25, text(format.name())))
                        .isEqualTo(one);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("formatsAndDtypes")
    void theErrorExcludesTheFinalRounding(NumberFormat format, Dtype dtype) {
        float scale = 0.05f;
        byte[] data = values(dtype, scale, format);
        QuantParameters parameters = new QuantParameters(scale, 0f);
        double signal = 0;
        double noise = 0;
        double largest = 0;
        long saturated = 0;
        int n = data.length / dtype.bytes();
        for (int i = 0; i < n; i++) {
            float x = value(data, dtype, i);
            double e = (double) parameters.dequantize(parameters.quantize(x, format, Dtype.F32), Dtype.F32) - x;
            signal += (double) x * x;
            noise += e * e;
            largest = Math.max(largest, Math.abs(e));
            saturated += x / scale > format.max() || x / scale < format.min() ? 1 : 0;
        }
        var row = QuantizationErrorFunction.error(data, text(dtype.name()), scale, text(format.name()));
        assertThat(row.getDouble(0)).isEqualTo(10 * StrictMath.log10(signal / noise));
        assertThat(row.getDouble(1)).isEqualTo(noise / n);
        assertThat(row.getDouble(2)).isEqualTo(largest);
        assertThat(row.getLong(3)).isEqualTo(saturated).isPositive();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "array(0.0)|Infinity|0.0|0.0|0",
                "array(1.0, -3.5)|Infinity|0.0|0.0|0",
                "array(-4.0)|Infinity|0.0|0.0|0",
                "array(-4.5, 3.75)|20.41|0.15625|0.5|2",
            })
    void theErrorOfKnownValues(String line) {
        String[] expected = line.split("\\|");
        Row error = TestSpark.one("SELECT kv_quantization_error(" + expected[0] + ", 0.5, 'int4')");
        assertThat(error.getDouble(0))
                .isCloseTo(Double.parseDouble(expected[1]), org.assertj.core.data.Offset.offset(0.01));
        assertThat(error.getDouble(1)).isEqualTo(Double.parseDouble(expected[2]));
        assertThat(error.getDouble(2)).isEqualTo(Double.parseDouble(expected[3]));
        assertThat(error.getLong(3)).isEqualTo(Long.parseLong(expected[4]));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "kv_quantize(NULL, 1, 'fp8')",
                "kv_quantize(array(1), NULL, 'fp8')",
                "kv_quantize(array(1), 1, NULL)",
                "kv_quantize(X'00', NULL, 1, 'fp8')",
                "kv_dequantize(NULL, 1, 'fp8')",
                "kv_dequantize(X'00', CAST(NULL AS STRING), 1, 'fp8')",
                "kv_fake_quantize(CAST(NULL AS ARRAY<FLOAT>), 1, 'fp8')",
                "kv_fake_quantize(CAST(NULL AS BINARY), 'BF16', 1, 'fp8')",
                "kv_quantization_error(NULL, 1, 'fp8')",
                "kv_quantization_error(array(), 1, 'fp8')",
                "kv_quantization_error(X'', 'F16', 1, 'fp8')",
            })
    void nullGivesNull(String call) {
        assertThat(TestSpark.<Object>one("SELECT " + call)).isNull();
    }

    @Test
    void argumentsOfOtherNumericTypesAreCast() {
        assertThat(TestSpark.<byte[]>one("SELECT kv_quantize(array(1, -2), 1, 'FP8')"))
                .isEqualTo(TestSpark.<byte[]>one("SELECT kv_quantize(array(1.0D, -2), float('1'), 'fp8_e4m3')"))
                .isEqualTo(HexFormat.of().parseHex("38c0"));
        assertThat(TestSpark.<byte[]>one("SELECT kv_quantize(array(), 1, 'fp8')"))
                .isEmpty();
    }

    @Test
    void columnsOfATableGoThroughGeneratedCode() {
        assertThat(
                        TestSpark.rows(
                                "SELECT id, hex(kv_quantize(array(id, -id), 0.5, f)), kv_dequantize(X'01', id + 1, f)[0]"
                                        + " FROM range(0, 3, 1, 2) JOIN VALUES ('int8'), (NULL) AS t(f) ORDER BY id, f NULLS FIRST"))
                .extracting(row -> row.get(0) + " " + row.get(1) + " " + row.get(2))
                .containsExactly("0 null null", "0 0000 1.0", "1 null null", "1 02FE 2.0", "2 null null", "2 04FC 3.0");
    }

    /** Values around the range of the format, tiny, huge, -0 and ties; more than one chunk of a kernel. */
    private static byte[] values(Dtype dtype, float scale, NumberFormat format) {
        Random random = new Random(7);
        int n = 1501;
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            float x = switch (i % 5) {
                case 0 -> (float) random.nextGaussian() * scale * format.max();
                case 1 -> format.decode(random.nextInt(1 << format.bits())) * scale;
                case 2 -> (random.nextInt(64) - 32) * 0.25f * scale;
                case 3 -> Float.intBitsToFloat(random.nextInt());
                default -> (i & 8) == 0 ? -0f : -0.3f * scale;
            };
            float rounded = dtype.round(x);
            values[i] = Float.isNaN(rounded) || Float.isInfinite(rounded) ? 0f : rounded;
        }
        return TensorTable.bytes(dtype, values);
    }

    private static float value(byte[] data, Dtype dtype, int index) {
        return dtype.toFloat(bits(data, dtype, index));
    }

    private static int bits(byte[] data, Dtype dtype, int index) {
        ByteBuffer little = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        return dtype == Dtype.F32 ? little.getInt(4 * index) : little.getShort(2 * index) & 0xffff;
    }

    private static byte[] bytes(ArrayData floats) {
        return TensorTable.bytes(Dtype.F32, floats.toFloatArray());
    }

    private static UTF8String text(String text) {
        return UTF8String.fromString(text);
    }
}
