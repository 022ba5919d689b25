package io.kvscale.spark.functions;

import static org.apache.spark.sql.functions.expr;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SchemeText;
import io.kvscale.spark.TestSpark;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Statistics joined, shown and solved. */
class StatisticsFunctionsTest {
    @ParameterizedTest
    @EnumSource(Dtype.class)
    void infoShowsWhatTheStatisticsHold(Dtype dtype) {
        Dataset<Row> table = TensorTable.table(TensorTable.random(2, 3, 5, dtype, 2, 4, true));
        CalibrationStatistics statistics = CalibrationStatistics.fromByteArray(TensorTable.statistics(table));
        Row info = table.selectExpr("kv_stats_info(" + TensorTable.CALL + ")")
                .head()
                .getStruct(0);
        assertThat(info.getString(0)).isEqualTo(statistics.corpus().fingerprintHex());
        assertThat(info.getLong(1)).isZero();
        List<Row> slots = info.getList(2);
        assertThat(slots).hasSize(6);
        int i = 0;
        for (Slot slot : statistics.slots().keySet()) {
            SlotStatistics seen = statistics.slots().get(slot);
            Row row = slots.get(i++);
            List<Object> shown = new ArrayList<>();
            IntStream.range(0, 14).forEach(column -> shown.add(row.get(column)));
            assertThat(shown)
                    .containsExactly(
                            slot.layer(),
                            slot.role().word(),
                            dtype.name(),
                            2,
                            4,
                            seen.samples(),
                            seen.tokens(),
                            seen.finite(),
                            seen.nan(),
                            seen.infinite(),
                            seen.min(),
                            seen.max(),
                            String.valueOf(seen.minSample()),
                            String.valueOf(seen.maxSample()));
            for (int channel = 0; channel < 8; channel++) {
                assertThat(row.<Float>getList(14).get(channel)).isEqualTo(seen.ranges(1)[channel].min());
                assertThat(row.<Float>getList(15).get(channel)).isEqualTo(seen.ranges(1)[channel].max());
            }
        }
    }

    @Test
    void infoIsNullWhereNoFiniteValueWasSeen() {
        String slots =
                "SELECT s.min, s.max, s.min_sample, s.max_sample, s.channel_min, s.channel_max, s.inf, s.nan FROM"
                        + " (SELECT explode(kv_stats_info(kv_stats_agg(0, 'k', 'BF16', 1, 2, %s)).slots) AS s)";
        assertThat(TestSpark.rows(slots.formatted("X'807f807f'")).get(0))
                .isEqualTo(org.apache.spark.sql.RowFactory.create(null, null, null, null, null, null, 2L, 0L));
        Row half = TestSpark.rows(slots.formatted("X'c07f803f'")).get(0);
        assertThat(half.getList(4)).containsExactly(null, 1f);
        assertThat(half.getFloat(0)).isEqualTo(1f);
    }

    @Test
    void unionIsWhatOnePassGives() {
        List<Row> rows = TensorTable.random(8, 2, 9, Dtype.BF16, 1, 8, true);
        byte[] whole = TensorTable.statistics(TensorTable.table(rows));
        TensorTable.table(rows)
                .groupBy("sample")
                .agg(expr(TensorTable.CALL + " AS stats"))
                .createOrReplaceTempView("parts");
        assertThat(TestSpark.<byte[]>one("SELECT kv_stats_union_agg(stats) FROM parts"))
                .isEqualTo(whole);
        assertThat(TestSpark.<byte[]>one("SELECT aggregate(slice(a, 2, 100), a[0], (x, y) -> kv_stats_union(x, y)) FROM"
                        + " (SELECT collect_list(stats) AS a FROM parts)"))
                .isEqualTo(whole);
        assertThat(TestSpark.<Object>one("SELECT kv_stats_union(stats, NULL) FROM parts"))
                .isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fp8",
                "int8:channel",
                "int4:group:4",
                "FP4:ATTN_HEAD",
                "fp8_e5m2",
                "kv_cache_scheme: {num_bits: 8, type: int, symmetric: false, strategy: channel}",
                "{\"num_bits\":8,\"type\":\"float\",\"scale_dtype\":\"input\",\"symmetric\":false}"
            })
    void scalesAreThoseThatTheJobDerives(String text) {
        QuantizationScheme scheme = SchemeText.parse(text);
        Dataset<Row> table = TensorTable.table(TensorTable.random(2, 3, 5, Dtype.BF16, 2, 8, false));
        CalibrationStatistics statistics = CalibrationStatistics.fromByteArray(TensorTable.statistics(table));
        List<Row> slots = table.selectExpr("kv_scales(" + TensorTable.CALL + ", '" + text + "')")
                .head()
                .getList(0);
        assertThat(slots).hasSize(6);
        int i = 0;
        for (Slot slot : statistics.slots().keySet()) {
            Row row = slots.get(i++);
            ScaleSet expected = ScaleSet.derive(statistics.slots().get(slot), scheme);
            assertThat(row.getInt(0)).isEqualTo(slot.layer());
            assertThat(row.getString(1)).isEqualTo(slot.role().word());
            assertThat(row.<Integer>getList(2).stream().mapToInt(n -> n).toArray())
                    .isEqualTo(scheme.strategy().scaleShape(expected.geometry(), scheme.groupSize()));
            for (int s = 0; s < expected.parameters().length; s++) {
                assertThat(new QuantParameters(
                                row.<Float>getList(3).get(s),
                                row.<Float>getList(4).get(s)))
                        .isEqualTo(expected.parameters()[s]);
            }
        }
    }

    @Test
    void scalesOfOneSlotAloneAreGivenThoughTheModelIsNotWhole() {
        List<Row> groups = TensorTable.table(TensorTable.random(2, 3, 5, Dtype.BF16, 2, 8, false))
                .groupBy("layer", "role")
                .agg(expr("kv_scales(" + TensorTable.CALL + ", 'int8')[0].scale[0] AS scale"))
                .where("scale > 0")
                .collectAsList();
        assertThat(groups).hasSize(6);
        assertThat(TestSpark.<Object>one("SELECT kv_scales(NULL, 'fp8')")).isNull();
        assertThat(TestSpark.<Object>one("SELECT kv_scales(kv_stats_agg(0, 'k', 'F32', 1, 1, array(1)), NULL)"))
                .isNull();
    }
}
