package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.observer.CalibrationStatistics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tables give the same scales and counts as safetensors files with the same K and V, bit for bit. Only
 * {@code corpus.files} and, in the statistics, the file count and names may differ.
 */
class TableTest {
    private static final int SAMPLES = 5;
    private static final int LAYERS = 3;

    @TempDir
    private Path work;

    private Path recipe = Path.of("");
    private Path expected = Path.of("");

    @BeforeEach
    void calibrateCaptures() {
        recipe = recipe();
        expected = output("safetensors", "--input", Table.captures(work.resolve("captures"), SAMPLES, LAYERS, "BF16"));
    }

    @AfterEach
    void dropViews() {
        Table.session().catalog().dropTempView("kv");
    }

    private Path recipe(String... rest) {
        return Folder.recipe(work, "num_bits: 8, type: int, strategy: channel, symmetric: false", rest);
    }

    private Cli calibrate(Object... more) {
        List<Object> words = new ArrayList<>(List.of("calibrate", "--recipe", recipe));
        Collections.addAll(words, more);
        return Cli.run(words.toArray());
    }

    private Path output(String name, Object... more) {
        List<Object> words = new ArrayList<>(List.of("--output", work.resolve("out-" + name)));
        Collections.addAll(words, more);
        calibrate(words.toArray()).isDone();
        return work.resolve("out-" + name);
    }

    private static JsonNode scales(Path output, long files) {
        ObjectNode scales = (ObjectNode) Folder.json(output.resolve("kv_scales.json"));
        ObjectNode corpus = (ObjectNode) scales.get("corpus");
        assertThat(corpus.get("files").asLong()).isEqualTo(files);
        corpus.remove("files");
        scales.remove("statistics_sha256");
        return scales;
    }

    private void assertEqualsCaptures(Path output, long files) {
        assertThat(scales(output, files)).isEqualTo(scales(expected, SAMPLES));
    }

    private static Dataset<Row> table() {
        return Table.of(Table.rows(SAMPLES, LAYERS), Table.SCHEMA);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void parquetGivesTheScalesOfTheSameCaptures(int files) {
        Path parquet = Table.parquet(table(), files, work.resolve("table"));
        Path output = output("parquet", "--input", parquet, "--input-format", "parquet");
        assertEqualsCaptures(output, files);
        JsonNode run = Folder.json(output.resolve("run.json"));
        assertThat(run.get("read_bytes").asLong()).isEqualTo(35L * 2 * 32 * 2 * 2 * LAYERS);
        assertThat(run.get("partitions").asInt()).isPositive();
        // Without --input-format, the format follows from the folder or file.
        assertThat(Folder.content(output("found", "--input", parquet))).isEqualTo(Folder.content(output));
        assertThat(Folder.content(output("glob", "--input", parquet + "/*.parquet", "--partitions", 1)))
                .isEqualTo(Folder.content(output));
        assertThat(Folder.content(output("many", "--input", parquet, "--partitions", 3)))
                .isEqualTo(Folder.content(output));
        assertThat(Files.exists(Path.of("spark-warehouse"))).isFalse();
    }

    @Test
    void aViewGivesTheSameScalesForAnyNumberOfPartitions() {
        List<String> statistics = new ArrayList<>();
        for (int partitions : new int[] {1, 3, 40}) {
            table().repartition(partitions).createOrReplaceTempView("kv");
            Path output = output("view-" + partitions, "--table", "kv");
            assertEqualsCaptures(output, 0);
            statistics.add(Folder.content(output).get("statistics.kvstats"));
            assertThat(Folder.json(output.resolve("run.json")).get("table").asText())
                    .isEqualTo("kv");
        }
        assertThat(statistics).hasSize(3).containsOnly(statistics.get(0));
        table().repartition(9).createOrReplaceTempView("kv");
        Path fewer = output("fewer", "--table", "kv", "--partitions", 2);
        assertThat(Folder.json(fewer.resolve("run.json")).get("partitions").asInt())
                .isEqualTo(2);
        assertEqualsCaptures(fewer, 0);
    }

    @Test
    void aSeparateContextAndKryoDoNotChangeTheScales() {
        Path parquet = Table.parquet(table(), 3, work.resolve("table"));
        Path shared = output("shared", "--input", parquet);
        Path own = output(
                "own",
                "--input",
                parquet,
                "--master",
                "local[2]",
                "--conf",
                "spark.serializer=org.apache.spark.serializer.KryoSerializer",
                "--conf",
                "spark.sql.parquet.enableVectorizedReader=true");
        assertThat(Folder.content(own)).isEqualTo(Folder.content(shared));
        String sql = calibrate("--table", "parquet.`" + parquet + "`", "--dry-run", "--master", "local[1]")
                .isDone()
                .out();
        assertThat(sql).contains("slots      6");
    }

    @Test
    void savedTablesAndFilesInSqlCanBeTables() {
        Path parquet = Table.parquet(table(), 2, work.resolve("table"));
        Table.session().sql("CREATE TABLE saved USING parquet LOCATION '" + parquet + "'");
        try {
            assertEqualsCaptures(output("saved", "--table", "default.saved"), 0);
            assertEqualsCaptures(output("sql", "--table", "parquet.`" + parquet + "`"), 0);
        } finally {
            Table.session().sql("DROP TABLE saved");
        }
    }

    @Test
    void listsOfFloatsAreReadAsF32() {
        expected = output("f32", "--input", Table.captures(work.resolve("captures-f32"), SAMPLES, LAYERS, "F32"));
        Dataset<Row> floats = Table.of(Table.floatRows(SAMPLES, LAYERS), Table.FLOATS);
        assertEqualsCaptures(output("parquet", "--input", Table.parquet(floats, 2, work.resolve("table"))), 2);
        floats.drop("dtype").createOrReplaceTempView("kv");
        assertEqualsCaptures(output("view", "--table", "kv"), 0);
        floats.withColumn("dtype", functions.lit("f32")).createOrReplaceTempView("kv");
        assertEqualsCaptures(output("told", "--table", "kv"), 0);
    }

    @Test
    void aRecipeNamesTheColumns() {
        recipe = recipe(
                "kvscale:",
                "  columns: {sample: prompt, layer: 'layer `n`', role: kv, shape: dims, dtype: type, data: a.b}");
        table().toDF("prompt", "layer `n`", "KV", "dims", "type", "a.b")
                .withColumn("layer `n`", functions.col("`layer ``n```").cast("tinyint"))
                .withColumn("KV", functions.expr("upper(left(KV, 1))"))
                .withColumn("type", functions.lit("bf16"))
                .withColumn("dims", functions.expr("cast(dims as array<smallint>)"))
                .createOrReplaceTempView("kv");
        assertEqualsCaptures(output("mapped", "--table", "kv"), 0);
    }

    @Test
    void headsAndHeadDimReplaceAShape() {
        Dataset<Row> heads = table().drop("shape")
                .withColumn("heads", functions.lit(Table.HEADS))
                .withColumn("head_dim", functions.lit((long) Table.HEAD_DIM))
                .withColumn(
                        "tokens",
                        functions
                                .expr("octet_length(data) / (2 * heads * head_dim)")
                                .cast("int"))
                .withColumn("position", functions.lit(0));
        heads.createOrReplaceTempView("kv");
        assertEqualsCaptures(output("heads", "--table", "kv"), 0);
        // A tokens column that is not numeric is ignored.
        heads.withColumn("tokens", functions.lit("these are words")).createOrReplaceTempView("kv");
        assertEqualsCaptures(output("words", "--table", "kv"), 0);
    }

    @Test
    void aSampleInSeveralRowsCountsOnce() {
        int halfBytes = Table.HEADS * 2 * Table.HEAD_DIM * 2;
        List<Row> rows = new ArrayList<>();
        for (String role : List.of("key", "value")) {
            byte[] data = Table.data(1, 0, role);
            rows.add(RowFactory.create("s", 0, role, 2, 32, "BF16", Arrays.copyOf(data, halfBytes), 0));
            rows.add(RowFactory.create(
                    "s", 0, role, 2, 32, "BF16", Arrays.copyOfRange(data, halfBytes, 2 * halfBytes), 2));
        }
        Table.of(
                        rows,
                        "sample string, layer int, role string, heads int, head_dim int, dtype string, data binary,"
                                + " position int")
                .createOrReplaceTempView("kv");
        JsonNode corpus = Folder.json(output("cut", "--table", "kv").resolve("kv_scales.json"))
                .get("corpus");
        assertThat(corpus.get("samples").asLong()).isEqualTo(1);
        assertThat(corpus.get("tokens").asLong()).isEqualTo(4);
    }

    @Test
    void aRowMayBeABatch() {
        List<Long> shape = List.of(3L, 2L, 4L, 32L);
        Capture capture = new Capture();
        List<Row> rows = new ArrayList<>();
        for (String role : List.of("key", "value")) {
            byte[] data = Arrays.copyOf(Table.data(9, 0, role), 3 * 2 * 4 * 32 * 2);
            capture.raw("layers.0." + role + "s", "BF16", shape, data);
            rows.add(RowFactory.create("batch", 0, role, shape, "BF16", data));
        }
        capture.write(work.resolve("batches/batch.safetensors"));
        expected = output("batch", "--input", work.resolve("batches"));
        Table.of(rows, Table.SCHEMA).createOrReplaceTempView("kv");
        Path output = output("row", "--table", "kv");
        assertThat(scales(output, 0)).isEqualTo(scales(expected, 1));
        assertThat(Folder.text(output.resolve("kv_scales.json"))).contains("batch#");
    }

    @Test
    void aTableMayNameNoSamples() {
        table().drop("sample").createOrReplaceTempView("kv");
        Path output = output("unnamed", "--table", "kv");
        JsonNode scales = Folder.json(output.resolve("kv_scales.json"));
        JsonNode reference = Folder.json(expected.resolve("kv_scales.json"));
        assertThat(scales.get("corpus").get("values"))
                .isEqualTo(reference.get("corpus").get("values"));
        assertThat(scales.get("layers").get(1).get("key").get("scale"))
                .isEqualTo(reference.get("layers").get(1).get("key").get("scale"));
    }

    @Test
    void layersThatTheRecipeIgnoresAreSkipped() {
        recipe = recipe("kvscale: {ignore: ['layers[.]0[.]']}");
        expected = output("captures", "--input", work.resolve("captures"));
        table().createOrReplaceTempView("kv");
        assertEqualsCaptures(output("ignored", "--table", "kv"), 0);
    }

    @Test
    void statisticsOfATableGiveOtherSchemes() {
        table().createOrReplaceTempView("kv");
        Path statistics = output("view", "--table", "kv").resolve("statistics.kvstats");
        assertThat(CalibrationStatistics.fromByteArray(Folder.bytes(statistics)).slots())
                .hasSize(2 * LAYERS);
        Cli.run("compare", statistics.resolveSibling("kv_scales.json"), expected.resolve("kv_scales.json"))
                .isDone();
    }

    @Test
    void aDryRunShowsColumnsAndSlots() {
        table().createOrReplaceTempView("kv");
        String output = calibrate("--table", "kv", "--dry-run").isDone().out();
        assertThat(output)
                .contains("table      kv")
                .contains("columns    sample string, layer int, role string, shape array<bigint>, dtype string, data")
                .contains("slots      6");
        Path parquet = Table.parquet(table(), 3, work.resolve("table"));
        output = calibrate("--input", parquet, "--dry-run").isDone().out();
        assertThat(output).contains("table      3 Parquet files").contains("slots      6");
        Dataset<Row> floats = Table.of(Table.floatRows(1, 1), Table.FLOATS);
        floats.createOrReplaceTempView("kv");
        assertThat(calibrate("--table", "kv", "--dry-run").isDone().out()).contains("slots      2");
    }
}
