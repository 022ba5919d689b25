package io.kvscale.spark.functions;

import static org.apache.spark.sql.functions.expr;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.CaptureReader;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.observer.histogram.CountTables;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.spark.TestSpark;
import io.kvscale.spark.sql.FunctionCall;
import io.kvscale.task.CalibrationTask;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import scala.jdk.javaapi.CollectionConverters;

/** kv_stats_agg and kv_stats_union_agg: the bytes depend on the rows only. */
class TensorStatisticsAggregateTest {
    private static final String SAMPLES = "../conf/sample";

    @ParameterizedTest
    @EnumSource(Dtype.class)
    void theBytesDoNotDependOnPartitioning(Dtype dtype) {
        List<Row> rows = TensorTable.random(3, 3, 40, dtype, 2, 8, true);
        byte[] whole = TensorTable.statistics(TensorTable.table(rows).coalesce(1));
        assertThat(whole).isEqualTo(direct(rows).toByteArray());
        Random random = new Random(4);
        for (int partitions : new int[] {1, 2, 7, 50}) {
            List<Row> shuffled = new ArrayList<>(rows);
            Collections.shuffle(shuffled, random);
            Dataset<Row> table = TensorTable.table(shuffled).repartition(partitions);
            assertThat(TensorTable.statistics(table)).isEqualTo(whole);
            Dataset<Row> bySlot = table.groupBy("layer", "role").agg(expr(TensorTable.CALL + " AS stats"));
            assertThat(bySlot.selectExpr("kv_stats_union_agg(stats)").head().get(0))
                    .isEqualTo(whole);
        }
    }

    @ParameterizedTest
    @EnumSource(Dtype.class)
    void theBytesOfHistogramsDoNotDependOnPartitioningOrMerging(Dtype dtype) {
        List<Row> rows = TensorTable.random(3, 2, 40, dtype, 2, 8, true);
        CalibrationStatistics counted = new CalibrationStatistics(new CountTables());
        byte[] whole = direct(counted, rows).toByteArray();
        Random random = new Random(4);
        for (int partitions : new int[] {1, 2, 7, 50}) {
            List<Row> shuffled = new ArrayList<>(rows);
            Collections.shuffle(shuffled, random);
            Dataset<Row> table = TensorTable.table(shuffled).repartition(partitions);
            assertThat(table.selectExpr(TensorTable.HISTOGRAM).head().get(0)).isEqualTo(whole);
            Dataset<Row> bySample = table.groupBy("sample").agg(expr(TensorTable.HISTOGRAM + " AS stats"));
            assertThat(bySample.selectExpr("kv_stats_union_agg(stats)").head().get(0))
                    .isEqualTo(whole);
        }
        TensorTable.table(rows).createOrReplaceTempView("halves");
        assertThat(TestSpark.<byte[]>one("SELECT kv_stats_union((SELECT " + TensorTable.HISTOGRAM
                        + " FROM halves WHERE sample < 's3'), (SELECT "
                        + TensorTable.HISTOGRAM.replace("'histogram'", "'Histo' || 'GRAM'")
                        + " FROM halves WHERE NOT sample < 's3'))"))
                .isEqualTo(whole);
        // 'range' equals the default.
        assertThat(TestSpark.<byte[]>one(
                        "SELECT " + TensorTable.HISTOGRAM.replace("histogram", "range") + " FROM halves"))
                .isEqualTo(TensorTable.statistics(TensorTable.table(rows)));
    }

    @Test
    void moreHistogramsThanTheHashMapHoldsAreCorrect() {
        List<Row> rows = TensorTable.random(9, 200, 5, Dtype.BF16, 1, 4, false);
        List<Row> groups = TensorTable.table(rows)
                .repartition(4)
                .groupBy("layer")
                .agg(expr(TensorTable.HISTOGRAM))
                .collectAsList();
        assertThat(groups).hasSize(200);
        for (Row group : groups) {
            List<Row> own = rows.stream()
                    .filter(row -> row.getInt(0) == group.getInt(0))
                    .toList();
            assertThat(group.get(1))
                    .isEqualTo(direct(new CalibrationStatistics(new CountTables()), own)
                            .toByteArray());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void realCapturesGiveTheStatisticsOfTheJob(boolean histograms) {
        StatisticsKind kind = histograms ? StatisticsKind.HISTOGRAM : StatisticsKind.RANGE;
        Configuration configuration = new Configuration();
        List<InputFile> files =
                CaptureListing.of(List.of(SAMPLES), configuration).files();
        ArrayList<FilePiece> pieces = new ArrayList<>();
        files.forEach(file -> pieces.add(new FilePiece(file, 0, file.length())));
        CaptureOptions options = CaptureOptions.defaults();
        QuantizationScheme scheme = QuantizationScheme.fp8();
        CalibrationStatistics job = CalibrationTask.run(
                        new Split(pieces),
                        SlotSchemes.of(scheme),
                        kind,
                        options,
                        configuration,
                        CaptureReader.Depth.VALUES,
                        bytes -> {},
                        failure -> {})
                .statistics();
        byte[] bytes = (byte[]) TensorTable.table(rowsOf(pieces, options, configuration))
                .repartition(5)
                .selectExpr(histograms ? TensorTable.HISTOGRAM : TensorTable.CALL)
                .head()
                .get(0);
        CalibrationStatistics sql = CalibrationStatistics.fromByteArray(bytes);
        assertThat(sql.corpus().fingerprint()).isEqualTo(job.corpus().fingerprint());
        assertThat(sql.corpus().files()).isZero();
        assertThat(sql.slots().keySet()).isEqualTo(job.slots().keySet()).hasSize(60);
        job.slots().forEach((slot, seen) -> assertSame(sql.slots().get(slot), seen));
    }

    private static void assertSame(SlotStatistics sql, SlotStatistics job) {
        assertThat(sql.geometry()).isEqualTo(job.geometry());
        assertThat(List.of(sql.finite(), sql.nan(), sql.infinite(), sql.tokens(), sql.samples()))
                .isEqualTo(List.of(job.finite(), job.nan(), job.infinite(), job.tokens(), job.samples()));
        assertThat(sql.ranges(1)).isEqualTo(job.ranges(1));
        assertThat(sql.min()).isEqualTo(job.min());
        assertThat(sql.max()).isEqualTo(job.max());
        assertThat(sql.minSample()).isEqualTo(job.minSample());
        assertThat(sql.maxSample()).isEqualTo(job.maxSample());
        assertThat(sql.firstOrigin()).isEqualTo(withoutFile(job.firstOrigin()));
        assertThat(sql.firstNonFiniteOrigin()).isEqualTo(withoutFile(job.firstNonFiniteOrigin()));
        assertThat(sql.hasHistograms()).isEqualTo(job.hasHistograms());
        for (int head = 0; sql.hasHistograms() && head < job.geometry().heads(); head++) {
            assertThat(sql.histogram(head, 1)).usingRecursiveComparison().isEqualTo(job.histogram(head, 1));
        }
    }

    private static @Nullable Origin withoutFile(@Nullable Origin origin) {
        return origin == null ? null : new Origin(origin.sample(), "");
    }

    /** A row for each K and V tensor of the captures. */
    private static List<Row> rowsOf(List<FilePiece> pieces, CaptureOptions options, Configuration configuration) {
        CaptureReader reader = new CaptureReader(options, configuration, CaptureReader.Depth.VALUES, bytes -> {});
        List<Row> rows = new ArrayList<>();
        for (FilePiece piece : pieces) {
            Map<Slot, KvSource> sources = new LinkedHashMap<>();
            Map<Slot, ByteArrayOutputStream> data = new LinkedHashMap<>();
            reader.read(piece, (slot, position, chunk) -> {
                sources.put(slot, position.source());
                byte[] bytes = new byte[chunk.remaining()];
                chunk.duplicate().get(bytes);
                data.computeIfAbsent(slot, s -> new ByteArrayOutputStream()).writeBytes(bytes);
            });
            sources.forEach((slot, source) -> {
                Geometry geometry = source.geometry();
                assertThat(source.mask()).isNull();
                assertThat(source.tokenMajor()).isFalse();
                rows.add(TensorTable.row(
                        slot,
                        geometry.dtype(),
                        geometry.heads(),
                        geometry.headDim(),
                        data.get(slot).toByteArray(),
                        source.sample()));
            });
        }
        return rows;
    }

    @Test
    void moreGroupsThanTheHashMapHoldsAreCorrect() {
        List<Row> rows = TensorTable.random(9, 200, 5, Dtype.F32, 1, 4, false);
        List<Row> groups = TensorTable.table(rows)
                .repartition(4)
                .groupBy("layer")
                .agg(expr(TensorTable.CALL))
                .collectAsList();
        assertThat(groups).hasSize(200);
        for (Row group : groups) {
            List<Row> own = rows.stream()
                    .filter(row -> row.getInt(0) == group.getInt(0))
                    .toList();
            assertThat(group.get(1)).isEqualTo(direct(own).toByteArray());
        }
    }

    /** The statistics of the rows, computed without Spark. */
    private static CalibrationStatistics direct(List<Row> rows) {
        return direct(new CalibrationStatistics(), rows);
    }

    private static CalibrationStatistics direct(CalibrationStatistics statistics, List<Row> rows) {
        for (Row row : rows) {
            Slot slot = new Slot(row.getInt(0), row.getString(1).equals("key") ? Role.KEY : Role.VALUE);
            Geometry geometry = new Geometry(Dtype.named(row.getString(2)).orElseThrow(), row.getInt(3), row.getInt(4));
            new AggregatedRow(slot, geometry, row.getString(6)).addTo(statistics, (byte[]) row.get(5));
        }
        return statistics;
    }

    @Test
    void anArrayOfFloatsEqualsF32Binary() {
        String f32 = "SELECT kv_stats_agg(3L, 'V', 'float32', 1S, 2Y, %s, 'x')";
        assertThat(TestSpark.<byte[]>one(f32.formatted("array(float('1.0'), float('NaN'))")))
                .isEqualTo(TestSpark.<byte[]>one(f32.formatted("X'0000803f0000c0ff'")));
        assertThat(TestSpark.<byte[]>one(f32.formatted("array(1.0D, -2.5D)")))
                .isEqualTo(TestSpark.<byte[]>one(f32.formatted("X'0000803f000020c0'")))
                .isEqualTo(TestSpark.<byte[]>one(f32.formatted("array(1.0, -2.5)")))
                .isEqualTo(direct(List.of(TensorTable.row(
                                new Slot(3, Role.VALUE),
                                Dtype.F32,
                                1,
                                2,
                                TensorTable.bytes(Dtype.F32, 1f, -2.5f),
                                "x")))
                        .toByteArray());
    }

    @Test
    void aRowWithANullChangesNothing() {
        List<Row> rows = TensorTable.random(5, 2, 3, Dtype.BF16, 1, 4, false);
        byte[] expected = TensorTable.statistics(TensorTable.table(rows));
        List<Row> holed = new ArrayList<>(rows);
        for (int column = 0; column < 6; column++) {
            Object[] values = new Object[7];
            for (int i = 0; i < 7; i++) {
                // The other arguments would be an error if the row were read.
                values[i] = i == column
                        ? null
                        : i == 0 ? (Object) (-1) : rows.get(0).get(i);
            }
            holed.add(RowFactory.create(values));
        }
        assertThat(TensorTable.statistics(TensorTable.table(holed).repartition(3)))
                .isEqualTo(expected);
    }

    @Test
    void noRowsGiveNull() {
        Dataset<Row> none = TensorTable.table(List.of());
        assertThat(none.selectExpr(TensorTable.CALL).head().get(0)).isNull();
        assertThat(none.groupBy("layer").agg(expr(TensorTable.CALL)).collectAsList())
                .isEmpty();
        assertThat(none.selectExpr("kv_scales(" + TensorTable.CALL + ", 'fp8')")
                        .head()
                        .get(0))
                .isNull();
        assertThat(TestSpark.<Object>one("SELECT kv_stats_union_agg(CAST(NULL AS BINARY))"))
                .isNull();
        assertThat(TestSpark.<Object>one("SELECT kv_stats_agg(0, 'key', 'F32', 1, 1, NULL)"))
                .isNull();
    }

    @Test
    void theSampleIsOptional() {
        List<Row> rows = TensorTable.random(5, 1, 3, Dtype.F16, 1, 4, false);
        byte[] absent = (byte[]) TensorTable.table(rows)
                .selectExpr("kv_stats_agg(layer, role, dtype, heads, head_dim, data)")
                .head()
                .get(0);
        byte[] isNull = (byte[]) TensorTable.table(rows)
                .selectExpr("kv_stats_agg(layer, role, dtype, heads, head_dim, data, NULL)")
                .head()
                .get(0);
        assertThat(absent).isEqualTo(isNull);
        CalibrationStatistics statistics = CalibrationStatistics.fromByteArray(absent);
        assertThat(statistics.slots().get(new Slot(0, Role.KEY)).firstOrigin()).isEqualTo(new Origin(null, ""));
        assertThat(statistics.slots().get(new Slot(0, Role.KEY)).samples()).isEqualTo(3);
    }

    @Test
    void itWorksInWindowsAndUnderFilterAndDistinct() {
        TensorTable.table(TensorTable.random(5, 2, 6, Dtype.F32, 1, 4, false)).createOrReplaceTempView("windowed");
        String plain = TensorTable.CALL + " %s FROM windowed";
        byte[] keys = TestSpark.one("SELECT " + plain.formatted("") + " WHERE role = 'key'");
        assertThat(TestSpark.<byte[]>one("SELECT " + plain.formatted("FILTER (WHERE role = 'key')")))
                .isEqualTo(keys);
        assertThat(TestSpark.<byte[]>one(
                        "SELECT " + plain.formatted("OVER (PARTITION BY role)") + " WHERE role = 'key'"))
                .isEqualTo(keys);
        assertThat(TestSpark.<byte[]>one("SELECT "
                        + plain.formatted("").replace("kv_stats_agg(", "kv_stats_agg(DISTINCT ")
                        + " WHERE role = 'key'"))
                .isEqualTo(keys);
    }

    @Test
    void histogramsWorkInWindowsAndUnderFilter() {
        TensorTable.table(TensorTable.random(5, 2, 6, Dtype.BF16, 1, 4, false)).createOrReplaceTempView("windowed");
        String plain = TensorTable.HISTOGRAM + " %s FROM windowed";
        byte[] keys = TestSpark.one("SELECT " + plain.formatted("") + " WHERE role = 'key'");
        assertThat(TestSpark.<byte[]>one("SELECT " + plain.formatted("FILTER (WHERE role = 'key')")))
                .isEqualTo(keys);
        // The frame grows, so that counting goes on after the histograms were packed.
        List<Row> growing = TestSpark.rows(
                "SELECT " + plain.formatted("OVER (PARTITION BY role ORDER BY layer, sample)") + " WHERE role = 'key'");
        assertThat(growing.get(growing.size() - 1).get(0)).isEqualTo(keys);
    }

    @Test
    void equalityDependsOnArgumentsAndOffsets() throws Exception {
        List<Expression> arguments = List.of(Literal$.MODULE$.apply(1L), Literal$.MODULE$.apply("key"));
        TensorStatisticsAggregate one = new TensorStatisticsAggregate(
                CollectionConverters.asScala(arguments).toIndexedSeq(), 1, 2);
        assertThat(one)
                .isEqualTo(one.clone())
                .hasSameHashCodeAs(one.clone())
                .isEqualTo(roundTrip(one))
                .isNotEqualTo(one.withNewMutableAggBufferOffset(5))
                .isNotEqualTo(one.withNewInputAggBufferOffset(5))
                .isNotEqualTo(new StatisticsUnionAggregate(one.children(), 1, 2));
        assertThat(one.withNewMutableAggBufferOffset(5).mutableAggBufferOffset())
                .isEqualTo(5);
        assertThat(one.withNewInputAggBufferOffset(6).inputAggBufferOffset()).isEqualTo(6);
        FunctionCall call = new FunctionCall(
                "f",
                StatisticsFunctions.class,
                "info",
                StatisticsFunctions.INFO_TYPE,
                CollectionConverters.asScala(List.<Expression>of(Literal$.MODULE$.apply(new byte[] {1})))
                        .toIndexedSeq());
        assertThat(call).isEqualTo(call.clone()).isEqualTo(roundTrip(call)).hasSameHashCodeAs(call.clone());
    }

    private static Object roundTrip(Object value) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(value);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return in.readObject();
        }
    }
}
