package io.kvscale.spark.functions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.quant.Nvfp4;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.spark.TestSpark;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.apache.spark.SparkRuntimeException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** NVFP4 in SQL: the global scale, fake quantization and its error. */
class Nvfp4FunctionsTest {
    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void calibratedScalesFakeQuantizeInTheirConvention(GlobalScale convention) {
        String name = "nvfp4:" + convention.word();
        Dataset<Row> table = TensorTable.table(TensorTable.random(3, 1, 4, Dtype.BF16, 2, 32, false));
        List<Row> rows = table.groupBy("layer", "role")
                .agg(
                        org.apache.spark.sql.functions.expr(
                                "kv_scales(" + TensorTable.CALL + ", '" + name + "')[0] AS s"),
                        org.apache.spark.sql.functions.expr("max(data) AS data"))
                .selectExpr(
                        "s.shape",
                        "s.scale[0]",
                        "data",
                        "kv_fake_quantize(data, 'BF16', s.scale[0], '" + name + "')",
                        "kv_quantization_error(data, 'BF16', s.scale[0], '" + name + "')")
                .collectAsList();
        assertThat(rows).hasSize(2);
        for (Row row : rows) {
            assertThat(row.<Integer>getList(0)).containsExactly(1);
            byte[] data = (byte[]) row.get(2);
            Nvfp4 nvfp4 = new Nvfp4(convention, row.getFloat(1), Dtype.BF16);
            assertThat((byte[]) row.get(3)).isEqualTo(nvfp4.fakeQuantize(data));
            checkError(row.getStruct(4), data, new Nvfp4(convention, row.getFloat(1), Dtype.F32), Dtype.BF16);
        }
    }

    /** Local scales of BF16 values are rounded to BF16 first, so that the F32 twin differs slightly. */
    private static void checkError(Row error, byte[] data, Nvfp4 twin, Dtype dtype) {
        ByteBuffer wide = ByteBuffer.allocate(data.length * 2).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer narrow = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        while (narrow.hasRemaining()) {
            wide.putFloat(dtype.toFloat(narrow.getShort() & 0xffff));
        }
        ByteBuffer out = ByteBuffer.wrap(twin.fakeQuantize(wide.array())).order(ByteOrder.LITTLE_ENDIAN);
        wide.flip();
        double noise = 0;
        double signal = 0;
        int n = data.length / 2;
        for (int i = 0; i < n; i++) {
            float x = wide.getFloat(4 * i);
            signal += (double) x * x;
            noise += Math.pow((double) out.getFloat(4 * i) - x, 2);
        }
        assertThat(error.getDouble(0))
                .isCloseTo(10 * Math.log10(signal / noise), org.assertj.core.data.Offset.offset(0.5))
                .isGreaterThan(15);
        assertThat(error.getDouble(1)).isCloseTo(noise / n, org.assertj.core.data.Percentage.withPercentage(10));
    }

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void theErrorOfF32EqualsThatOfFakeQuantization(GlobalScale convention) {
        byte[] data = TensorTable.values(new Random(8), Dtype.F32, 160, false);
        // The scale is far too small, so that values saturate; one group becomes all zeros.
        float scale = convention.of(1f / convention.headroom());
        ByteBuffer values = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 16; i++) {
            values.putFloat(4 * i, -1e-9f);
        }
        ByteBuffer out = ByteBuffer.wrap(new Nvfp4(convention, scale, Dtype.F32).fakeQuantize(data))
                .order(ByteOrder.LITTLE_ENDIAN);
        double noise = 0;
        double largest = 0;
        long saturated = 0;
        for (int i = 0; i < 160; i++) {
            double e = (double) out.getFloat(4 * i) - values.getFloat(4 * i);
            noise += e * e;
            largest = Math.max(largest, Math.abs(e));
            saturated += Math.abs(values.getFloat(4 * i)) > 1 ? 1 : 0;
        }
        org.apache.spark.sql.catalyst.InternalRow error = QuantizationErrorFunction.error(
                data,
                org.apache.spark.unsafe.types.UTF8String.fromString("F32"),
                scale,
                org.apache.spark.unsafe.types.UTF8String.fromString("nvfp4:" + convention.word()));
        assertThat(error).isNotNull();
        assertThat(error.getDouble(1)).isEqualTo(noise / 160);
        assertThat(error.getDouble(2)).isEqualTo(largest);
        assertThat(error.getLong(3)).isEqualTo(saturated).isPositive();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "kv_fake_quantize(array(1, 2), 1, 'nvfp4') | argument values | 2 values are not whole groups of 16",
                "kv_fake_quantize(X'000000', 'BF16', 1, 'nvfp4') | argument data | 3 bytes are not whole",
                "kv_quantization_error(X'0000', 'BF16', 1, 'nvfp4') | argument data | 1 values are not whole groups",
                "kv_fake_quantize(array(), 1, 'nvfp4:both') | argument format | nvfp4:multiplier",
                "kv_fake_quantize(array(), 0, 'nvfp4') | argument scale | not finite and above 0",
                "kv_quantize(array(1), 1, 'nvfp4') | argument format | local scales beside its codes",
                "kv_dequantize(X'', 1, 'nvfp4:multiplier') | argument format | local scales beside its codes",
                "kv_scales(kv_stats_agg(0, 'k', 'F32', 1, 8, sequence(1, 8)), 'nvfp4') | layer 0 key | does not divide",
                "kv_scales(kv_stats_agg(0, 'k', 'F32', 1, 16, array_repeat(0, 16)), 'nvfp4') | layer 0 key | are zero",
                "kv_scales(kv_stats_agg(0, 'k', 'F32', 1, 16, array_repeat(1e-39, 16)), 'nvfp4:divisor') | layer 0 | Infinity",
                "kv_scales(X'', '{num_bits: 8, strategy: tensor_group}') | argument scheme | is NVFP4",
            })
    void theErrorNamesTheArgument(String call, String argument, String what) {
        assertThatThrownBy(() -> TestSpark.rows("SELECT " + call))
                .isInstanceOf(SparkRuntimeException.class)
                .message()
                .contains(argument, what);
    }

    @ParameterizedTest
    @CsvSource({
        "nvfp4, 0.0022321429",
        "nvfp4:absmax_448, 0.0022321429",
        "nvfp4:divisor, 2688.0",
        "nvfp4:multiplier, 3.7202382E-4"
    })
    void theSchemeSetsTheConvention(String scheme, float scale) {
        assertThat(TestSpark.<Float>one("SELECT kv_scales(kv_stats_agg(0, 'k', 'F32', 1, 16, array_repeat(-1, 16)), '"
                        + scheme + "')[0].scale[0]"))
                .isEqualTo(scale);
        assertThat(TestSpark.<Object>one("SELECT kv_quantization_error(array(), 1, '" + scheme + "')"))
                .isNull();
    }
}
