package io.kvscale.spark.functions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.spark.TestSpark;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.spark.SparkRuntimeException;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad arguments give a Spark error that names the argument. */
class BadArgumentsTest {
    private static Arguments wrong(String call, String... parts) {
        return Arguments.of(call, parts);
    }

    private static Arguments agg(String arguments, String... parts) {
        return wrong("kv_stats_agg(" + arguments + ")", parts);
    }

    private static Arguments scheme(String scheme, String... parts) {
        return wrong("kv_scales(kv_stats_agg(0, 'key', 'F32', 1, 4, array(1, 2, 3, 4)), '" + scheme + "')", parts);
    }

    static Stream<Arguments> aggregates() {
        return Stream.of(
                agg("10000, 'key', 'F32', 1, 1, array(1)", "argument layer", "10000 is not within 0..9999"),
                agg("-1, 'key', 'F32', 1, 1, array(1)", "argument layer", "-1"),
                agg("9223372036854775807, 'key', 'F32', 1, 1, array(1)", "argument layer", "9223372036854775807"),
                agg("0, 'latent', 'F32', 1, 1, array(1)", "argument role", "'latent'", "known here: key, value, query"),
                agg("0, 'key', 'F33', 1, 1, array(1)", "argument dtype", "'F33'", "'F32'"),
                agg("0, 'key', 'F32', 0, 1, array(1)", "argument heads", "0 is not within"),
                agg("0, 'key', 'F32', 4294967297, 1, array(1)", "argument heads", "4294967297"),
                agg("0, 'key', 'F32', 65536, 3, array(1)", "argument head_dim", "3 is not within 1..2"),
                agg("0, 'key', 'F32', 1, 0, array(1)", "argument head_dim"),
                agg("0, 'key', 'BF16', 1, 1, array(1)", "argument dtype", "ARRAY<FLOAT>", "F32"),
                agg("0, 'key', 'F32', 1, 1, array(1, NULL)", "argument data", "index 1 is null"),
                agg(
                        "7, 'value', 'BF16', 2, 3, X'0102', 's\nt'",
                        "argument data",
                        "2 bytes are not whole tokens of 12 bytes",
                        "layer 7 value, sample s\\u000At",
                        "heads and head_dim"));
    }

    static Stream<Arguments> scales() {
        return Stream.of(
                scheme("fp9", "argument scheme", "'fp9'", "'fp8'"),
                scheme("", "argument scheme", "must be a mapping"),
                scheme("int8:chanel", "argument scheme", "'chanel'", "'channel'"),
                scheme("int4:group", "argument scheme", "needs a group_size"),
                scheme("int4:group:x", "argument scheme", "group_size", "'x'"),
                scheme(
                        "int4:group:3",
                        "argument stats, under scheme 'int4:group:3'",
                        "group_size 3 does not divide head_dim 4",
                        "layer 0 key"),
                scheme("int4:group:2:1", "argument scheme", "4 parts"),
                scheme("{num_bitz: 8}", "argument scheme", "'num_bitz'", "'num_bits'"),
                scheme("{num_bits: 5}", "argument scheme", "num_bits must be 8 or 4"),
                scheme("{dynamic: true}", "argument scheme", "nothing to calibrate"),
                scheme("{num_bits: 8, scale_dtype: inptu}", "argument scheme", "scale_dtype", "'inptu'"),
                scheme("kv_cache_scheme: 8", "argument scheme", "must be a mapping, got 8"),
                scheme("{a: [", "argument scheme", "neither YAML nor JSON"),
                scheme("!!java.util.Date {}", "argument scheme", "neither YAML nor JSON"),
                scheme("{observer: minmax}", "kv_scales", "layer 0 key"),
                wrong(
                        "kv_scales(kv_stats_agg(3, 'v', 'F32', 1, 1, array(0, -0.0), 'z'), 'fp8')",
                        "kv_scales: argument stats, under scheme 'fp8': all 2 values are zero",
                        "layer 3 value, sample z"),
                wrong(
                        "kv_scales(kv_stats_agg(3, 'v', 'F32', 1, 1, array(1, float('NaN')), 'z'), 'fp8')",
                        "kv_scales: argument stats, under scheme 'fp8': NaN or infinite values",
                        "layer 3 value, sample z",
                        "before kv_stats_agg"),
                wrong(
                        "kv_scales(kv_stats_agg(3, 'v', 'F32', 1, 1, X'', 'z'), 'fp8')",
                        "no finite value was observed",
                        "layer 3 value"));
    }

    static Stream<Arguments> quantization() {
        return Stream.of(
                        "kv_quantize(array(1)",
                        "kv_dequantize(X''",
                        "kv_fake_quantize(X'', 'F16'",
                        "kv_quantization_error(array()")
                .flatMap(call -> Stream.of(
                        wrong(call + ", 0, 'fp8')", "argument scale", "0.0 is not finite and above 0"),
                        wrong(call + ", -1, 'fp8')", "argument scale", "-1.0"),
                        wrong(call + ", double('NaN'), 'fp8')", "argument scale", "NaN"),
                        wrong(call + ", double('Infinity'), 'fp8')", "argument scale", "Infinity"),
                        wrong(call + ", 1e39, 'fp8')", "argument scale", "1.0E39"),
                        wrong(call + ", 1e-50, 'fp8')", "argument scale", "1.0E-50"),
                        wrong(call + ", 1, 'int5')", "argument format", "'int5'", "'int8'")));
    }

    static Stream<Arguments> values() {
        return Stream.of(
                wrong("kv_quantize(array(1, NULL), 1, 'fp8')", "argument values", "index 1 is null"),
                wrong("kv_quantize(array(1, float('NaN')), 1, 'fp8')", "argument values", "index 1 is NaN"),
                wrong(
                        "kv_fake_quantize(array(float('-Infinity')), 1, 'fp8')",
                        "argument values",
                        "index 0 is -Infinity"),
                wrong("kv_quantize(array(1e300), 1, 'fp8')", "argument values", "index 0 is Infinity"),
                wrong("kv_quantize(X'0000807f', 'BF16', 1, 'fp8')", "argument data", "index 1 is Infinity"),
                wrong("kv_quantize(X'007e', 'F16', 1, 'fp8')", "argument data", "index 0 is NaN"),
                wrong("kv_quantize(X'000000', 'F16', 1, 'fp8')", "argument data", "3 bytes are not whole F16"),
                wrong("kv_quantization_error(X'000000', 'F32', 1, 'fp8')", "argument data", "3 bytes"),
                wrong("kv_quantize(X'0000', 'F8', 1, 'fp8')", "argument dtype", "'F8'"),
                wrong("kv_dequantize(X'0010', 1, 'int4')", "argument codes", "index 1 is 16", "low four bits"),
                wrong("kv_dequantize(X'7f', 1, 'fp8')", "argument codes", "index 0 stands for NaN"),
                wrong("kv_dequantize(X'fc', 'F16', 1, 'fp8_e5m2')", "argument codes", "-Infinity"),
                wrong("kv_stats_info(X'00')", "kv_stats_info: argument stats", "damaged statistics"),
                wrong("kv_scales(X'00', 'fp8')", "kv_scales: argument stats", "damaged statistics"),
                wrong("kv_stats_union_agg(X'00')", "kv_stats_union_agg: argument stats", "damaged statistics"),
                wrong("kv_stats_union(X'00', X'')", "kv_stats_union: argument a", "damaged statistics"));
    }

    @ParameterizedTest
    @MethodSource({"aggregates", "scales", "quantization", "values"})
    void theErrorNamesTheArgument(String call, String... parts) {
        assertWrong("SELECT " + call, parts);
    }

    private static void assertWrong(String query, String... parts) {
        assertThatThrownBy(() -> TestSpark.rows(query))
                .isInstanceOf(SparkRuntimeException.class)
                .satisfies(e -> assertThat(e.getMessage().lines().count()).isLessThanOrEqualTo(3))
                .message()
                .contains(parts);
    }

    static Stream<Arguments> types() {
        return Stream.of(
                wrong("kv_stats_agg('0', 'key', 'F32', 1, 1, X'')", "`layer`", "\"STRING\""),
                wrong("kv_stats_agg(0.5, 'key', 'F32', 1, 1, X'')", "`layer`", "DECIMAL"),
                wrong("kv_stats_agg(0, 1, 'F32', 1, 1, X'')", "`role`"),
                wrong("kv_stats_agg(0, 'key', 32, 1, 1, X'')", "`dtype`"),
                wrong("kv_stats_agg(0, 'key', 'F32', '1', 1, X'')", "`heads`"),
                wrong("kv_stats_agg(0, 'key', 'F32', 1, array(1), X'')", "`head_dim`"),
                wrong("kv_stats_agg(0, 'key', 'F32', 1, 1, 'text')", "`data`", "BINARY or ARRAY<FLOAT>"),
                wrong("kv_stats_agg(0, 'key', 'F32', 1, 1, array('1'))", "`data`"),
                wrong("kv_stats_agg(0, 'key', 'F32', 1, 1, X'', 7)", "`sample`"),
                wrong("kv_stats_agg(0, 'key', 'F32', 1, 1, X'', 's', 1)", "`statistics`", "STRING"),
                wrong("kv_stats_agg(0, 'key', 'F32', 1, 1, X'', 's', string(rand()))", "`statistics`", "foldable"),
                wrong("kv_stats_agg(0, 'key')", "kv_stats_agg", "[6, 7, 8]"),
                wrong("kv_stats_info('text')", "`stats`"),
                wrong("kv_stats_union(X'')", "kv_stats_union", "2"),
                wrong("kv_scales(X'', 8)", "`scheme`"),
                wrong("kv_quantize(X'00', 1, 'fp8')", "`values`", "ARRAY<FLOAT>"),
                wrong("kv_quantize(array(1), 'F32', 1, 'fp8')", "`data`", "BINARY"),
                wrong("kv_quantize(array(1), '1', 'fp8')", "`scale`"),
                wrong("kv_quantize(array(1), 1, 8)", "`format`"),
                wrong("kv_quantize(array(1))", "kv_quantize", "[3, 4]"),
                wrong("kv_dequantize('text', 1, 'fp8')", "`codes`"));
    }

    @ParameterizedTest
    @MethodSource("types")
    void aWrongTypeFailsTheAnalysis(String call, String... parts) {
        assertThatThrownBy(() -> TestSpark.sql("SELECT " + call))
                .isInstanceOf(AnalysisException.class)
                .message()
                .contains(parts);
    }

    @Test
    void tensorsOfTwoModelsInOneGroupAreRefused() {
        Slot slot = new Slot(4, Role.KEY);
        byte[] data = TensorTable.values(new Random(1), Dtype.F32, 16, false);
        List<Row> others = List.of(
                TensorTable.row(slot, Dtype.BF16, 2, 4, data, "other"),
                TensorTable.row(slot, Dtype.F32, 4, 2, data, "other"),
                TensorTable.row(slot, Dtype.F32, 1, 4, data, "other"));
        for (Row other : others) {
            List<Row> both = List.of(TensorTable.row(slot, Dtype.F32, 2, 4, data, "one"), other);
            for (int partitions : new int[] {1, 2}) {
                Throwable error = catchThrowable(() -> TensorTable.statistics(TensorTable.table(both)
                        .repartitionByRange(partitions, new org.apache.spark.sql.Column("sample"))));
                assertThat(error).isInstanceOf(SparkRuntimeException.class);
                assertThat(error.getMessage())
                        .contains(
                                "kv_stats_agg: argument dtype, heads or head_dim: this slot is",
                                "F32, 2 heads, head_dim 4",
                                "layer 4 key",
                                "GROUP BY")
                        .contains(other.getString(2) + ", " + other.getInt(3) + " heads, head_dim " + other.getInt(4));
            }
        }
    }

    @Test
    void statisticsOfTwoModelsAreNotMerged() {
        String stats = "kv_stats_agg(0, 'key', '%s', 1, 1, X'0000803f')";
        assertWrong(
                "SELECT kv_stats_union(" + stats.formatted("F32") + ", " + stats.formatted("BF16") + ")",
                "kv_stats_union: argument b: this slot is BF16",
                "but F32",
                "layer 0 key");
        assertWrong(
                "SELECT kv_stats_union_agg(s) FROM (SELECT " + stats.formatted("F32") + " AS s UNION ALL SELECT "
                        + stats.formatted("F16") + ")",
                "kv_stats_union_agg: argument stats: this slot is",
                "layer 0 key");
    }

    @Test
    void normsOfPairsAreMergedButNotCollected() throws IOException {
        String range = "kv_stats_agg(0, 'key', 'BF16', 1, 6, X'000000000000000000000000', 'a')";
        assertWrong(
                "SELECT " + range.replace("'a'", "'a', 'pairs'"),
                "kv_stats_agg: argument statistics: norms of RoPE pairs need the model's config.json",
                "run kvscale calibrate with statistics: pairs");
        String norms;
        try (InputStream in = getClass().getResourceAsStream("/statistics/v4/pairs.kvstats")) {
            norms = "X'" + HexFormat.of().formatHex(Objects.requireNonNull(in).readAllBytes()) + "'";
        }
        byte[] merged = (byte[]) TestSpark.rows("SELECT kv_stats_union(" + norms + ", " + norms + ")")
                .get(0)
                .get(0);
        SlotStatistics key = Objects.requireNonNull(
                CalibrationStatistics.fromByteArray(merged).slots().get(new Slot(0, Role.KEY)));
        assertThat(key.tokens()).isEqualTo(4);
        assertThat(key.pairs()).isEqualTo(new RotaryPairs(false, 4));
        assertWrong(
                "SELECT kv_stats_union(" + norms + ", " + range + ")",
                "kv_stats_union: argument b: the statistics keep norms of different RoPE pairs, or only some of them",
                "kvscale.statistics and config.json",
                "layer 0 key");
    }

    @Test
    void statisticsWithAndWithoutHistogramsAreNotMerged() {
        String stats = "kv_stats_agg(0, 'key', 'F32', 1, 1, %s, 'a', '%s')";
        String range = stats.formatted("X'0000803f'", "range");
        String histogram = stats.formatted("X'0000803f'", "histogram");
        String[] parts = {"some statistics hold histograms, others ranges only", "kvscale.statistics", "layer 0 key"};
        assertWrong("SELECT kv_stats_union(" + range + ", " + histogram + ")", parts);
        assertWrong("SELECT kv_stats_union(" + histogram + ", " + range + ")", parts);
        assertWrong(
                "SELECT kv_stats_union_agg(s) FROM (SELECT " + range + " AS s UNION ALL SELECT " + histogram + ")",
                parts);
        // A slot without values has no histogram to lose.
        byte[] alone = TestSpark.one("SELECT " + histogram);
        assertThat(TestSpark.<Integer>one(
                        "SELECT length(kv_stats_union(" + histogram + ", " + stats.formatted("X''", "range") + "))"))
                .isEqualTo(alone.length);
    }

    @Test
    void countsWhoseSumExceeds63BitsAreRefused() {
        byte[] stats = TestSpark.one("SELECT kv_stats_agg(0, 'key', 'F32', 1, 1, X'0000803f', 'a', 'histogram')");
        for (int i = 0; i < 62; i++) {
            stats = StatisticsFunctions.union(stats, stats);
        }
        byte[] half = stats;
        assertThatThrownBy(() -> StatisticsFunctions.union(half, half))
                .isInstanceOf(SparkRuntimeException.class)
                .hasMessageContaining("kv_stats_union: argument b: the sum of the counts exceeds 9223372036854775807");
    }

    @Test
    void damagedStatisticsAreRefused() {
        byte[] good = TensorTable.statistics(TensorTable.table(TensorTable.random(1, 1, 2, Dtype.F32, 1, 2, true)));
        for (int i = 0; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] ^= 0x10;
            assertDamaged(bad);
        }
        for (int length : new int[] {0, 1, 8, 12, good.length / 2, good.length - 1}) {
            assertDamaged(Arrays.copyOf(good, length));
        }
        assertDamaged(Arrays.copyOf(good, good.length + 1));
        byte[] magic = good.clone();
        magic[0] ^= 1;
        for (byte[] bad : List.of(magic, Arrays.copyOf(good, 40))) {
            String hex = "X'" + HexFormat.of().formatHex(bad) + "'";
            assertWrong("SELECT kv_stats_info(" + hex + ")", "kv_stats_info: argument stats: damaged statistics");
            assertWrong("SELECT kv_stats_union_agg(" + hex + ")", "argument stats: damaged statistics");
        }
    }

    private static void assertDamaged(byte[] bad) {
        assertThatThrownBy(() -> StatisticsFunctions.info(bad))
                .isInstanceOf(SparkRuntimeException.class)
                .hasMessageContaining("kv_stats_info: argument stats: ")
                .satisfies(e -> assertThat(e.getMessage()).containsAnyOf("damaged", "needs statistics version"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "kv_quantize(array(x), 0.5, 'fp9')",
                "kv_quantization_error(data, 'F99', 0.5, 'fp8')",
                "kv_scales(data, 'int8:chanel')",
                "kv_stats_agg(0, 'x', 'F32', 1, 1, data)",
                "kv_stats_agg(0, 'key', 'F99', 1, 1, data)",
                "kv_stats_agg(0, 'key', 'F32', 1, 1, data, 's', 'histograms')",
                "kv_stats_agg(0, 'key', 'F32', 1, 1, data, 's', '')"
            })
    void aLiteralIsCheckedBeforeTheQueryRuns(String call) {
        assertThatThrownBy(() -> TestSpark.sql("SELECT " + call + " FROM VALUES (1.0, X'00') AS t(x, data)"))
                .isInstanceOf(SparkRuntimeException.class)
                .hasMessageContaining(call.substring(0, call.indexOf('(')) + ": argument ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "kv_quantize(values => array(1.0), scale => 1.0, format => 'int8')",
                "kv_scales(stats => X'00', scheme => 'fp8')",
                "kv_stats_agg(0, 'key', 'F32', 1, 1, data => X'00000000')"
            })
    void namedArgumentsAreRefused(String call) {
        assertThatThrownBy(() -> TestSpark.rows("SELECT " + call))
                .isInstanceOf(AnalysisException.class)
                .hasMessageContaining("NAMED_PARAMETERS_NOT_SUPPORTED")
                .hasMessageContaining(call.substring(0, call.indexOf('(')));
    }

    @Test
    void anErrorInARowNamesItsSample() {
        assertThatThrownBy(() -> TestSpark.rows("SELECT kv_stats_agg(0, 'key', dtype, 1, 1, X'00000000', name)"
                        + " FROM VALUES ('F32', 'a'), ('F31', 'b#2') AS t(dtype, name)"))
                .isInstanceOf(SparkRuntimeException.class)
                .hasMessageContaining("argument dtype")
                .hasMessageContaining("sample b#2");
    }
}
