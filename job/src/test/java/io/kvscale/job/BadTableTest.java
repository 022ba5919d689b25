package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Invalid tables: errors name cause, place and remedy, leave no output, and do not depend on the partitioning. */
class BadTableTest {
    private static final int SAMPLE = 0;
    private static final int LAYER = 1;
    private static final int ROLE = 2;
    private static final int SHAPE = 3;
    private static final int DTYPE = 4;
    private static final int DATA = 5;

    @TempDir
    private Path work;

    private Path recipe = Path.of("");

    @BeforeEach
    void startSpark() {
        SharedSpark.context();
        recipe = recipe();
    }

    @AfterEach
    void dropViews() {
        Table.session().catalog().dropTempView("kv");
    }

    private Path recipe(String... rest) {
        return Folder.recipe(work, "num_bits: 8, type: float, strategy: tensor, symmetric: true", rest);
    }

    private Cli calibrate(Object... more) {
        List<Object> words = new ArrayList<>(List.of("calibrate", "--recipe", recipe, "--output", work.resolve("out")));
        Collections.addAll(words, more);
        Map<String, Boolean> before = Folder.names(work);
        Cli cli = Cli.run(words.toArray());
        assertThat(Folder.names(work)).isEqualTo(before);
        return cli;
    }

    private static Dataset<Row> table() {
        return Table.of(Table.rows(4, 2), Table.SCHEMA);
    }

    /** A table in which one field of the row of sample-02, layer 1, value is replaced. */
    private static Dataset<Row> with(int column, Object value) {
        return Table.of(
                Table.rows(4, 2).stream()
                        .map(row -> {
                            boolean here = row.get(SAMPLE).equals("sample-02")
                                    && row.getInt(LAYER) == 1
                                    && row.get(ROLE).equals("value");
                            Object[] fields = new Object[6];
                            Arrays.setAll(fields, i -> i == column && here ? value : row.get(i));
                            return RowFactory.create(fields);
                        })
                        .toList(),
                Table.SCHEMA);
    }

    private void refused(Dataset<Row> table, String... parts) {
        List<String> messages = new ArrayList<>();
        for (int partitions : new int[] {1, 7}) {
            table.repartition(partitions).createOrReplaceTempView("kv");
            messages.add(calibrate("--table", "kv").fails(ExitCode.DATA, parts).err());
        }
        assertThat(messages).hasSize(2).containsOnly(messages.get(0));
    }

    @Test
    void nullsAreReportedWithTheirColumn() {
        for (int column : new int[] {ROLE, DTYPE, DATA}) {
            String name = List.of("", "", "role", "", "dtype", "data").get(column);
            refused(with(column, null), "column '" + name + "' is null", "table kv", "sample sample-02");
        }
        refused(with(LAYER, null), "column 'layer' is null", "sample sample-02");
        refused(with(SHAPE, null), "'shape'", "null", "layer 1 value", "sample sample-02");
        refused(with(SHAPE, Arrays.asList(1L, 2L, null, 32L)), "'shape'", "null", "layer 1 value");
    }

    @Test
    void aRowThatIsNotAValidKOrVIsRefused() {
        refused(with(ROLE, "latent"), "'latent', neither key nor value", "sample sample-02");
        refused(with(ROLE, "query"), "'query', but the recipe does not ask for queries", "sample sample-02");
        refused(with(LAYER, 10_000), "10000", "not a layer within 0..9999");
        refused(with(LAYER, -1), "-1", "not a layer within");
        refused(with(DTYPE, "F64"), "F64", "F32, BF16, F16", "layer 1 value");
        refused(with(DTYPE, "f8_e4m3"), "already quantized", "layer 1 value");
        refused(with(DTYPE, "F16"), "BF16", "F16", "layer 1 value");
        refused(with(SHAPE, List.of(1L, 2L)), "layer 1 value", "table kv");
        refused(with(SHAPE, List.of()), "[]", "does not fit K or V");
        refused(with(SHAPE, List.of(1L, 2L, 6L, 32L)), "data", "896 bytes", "[1, 2, 6, 32] of BF16");
        refused(with(SHAPE, List.of(1L, -2L, 7L, 32L)), "holds no values");
        refused(with(SHAPE, List.of(1L << 31, 2L, 7L, 32L)), "larger than that of any model");
        refused(with(SHAPE, List.of(1L << 30, 2L, 1L << 30, 32L)), "896 bytes");
        refused(with(SHAPE, List.of(1L, 4L, 7L, 16L)), "4 heads, head_dim 16", "2 heads, head_dim 32", "sample-02");
        refused(with(DATA, new byte[0]), "0 bytes", "layer 1 value");
        byte[] cut = Arrays.copyOf(Table.data(2, 1, "value"), 895);
        refused(with(DATA, cut), "895 bytes", "layer 1 value");
        byte[] nan = Table.data(2, 1, "value");
        nan[7] = (byte) 0x7f;
        nan[6] = (byte) 0xff;
        refused(with(DATA, nan), "NaN", "layer 1 value", "sample-02", "table kv");
    }

    @Test
    void theFirstOfSeveralProblemsIsReported() {
        Dataset<Row> table = with(ROLE, "query");
        table = table.withColumn(
                "dtype",
                functions
                        .when(functions.col("sample").equalTo("sample-03"), "F64")
                        .otherwise(functions.col("dtype")));
        refused(table, "'query'", "sample-02");
    }

    @Test
    void aLayerMissingFromTheTableIsReported() {
        refused(Table.of(Table.rows(2, 3), Table.SCHEMA).where("layer <> 1"), "layer 1 is missing");
        refused(table().where("role = 'key'"), "no value");
        refused(table().where("layer > 5"), "has no row of a layer to calibrate");
        refused(
                table().drop("shape")
                        .withColumn("heads", functions.lit(Table.HEADS))
                        .withColumn("head_dim", functions.lit(Table.HEAD_DIM))
                        .withColumn("tokens", functions.lit(9999)),
                "column 'tokens' is 9999");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cast(layer as double) layer | layer | double",
                "cast(layer as string) layer | layer | string",
                "layer = 1 as role | role | boolean",
                "cast(shape as string) shape | shape | string",
                "cast(shape as array<float>) shape | shape | array<float>",
                "octet_length(dtype) dtype | dtype | int",
                "hex(data) data | data | string",
                "array(1.5D) data | data | array<double>",
                "struct(sample) sample | sample | struct<sample:string>",
            })
    void aColumnOfTheWrongTypeIsNamed(String expression, String column, String type) {
        table().withColumn(column, functions.expr(expression.replaceAll(" (as )?" + column + "$", "")))
                .createOrReplaceTempView("kv");
        calibrate("--table", "kv").fails(ExitCode.DATA, "column '" + column + "' is " + type, "expected");
    }

    @Test
    void missingColumnsAreNamed() {
        table().drop("dtype", "data").createOrReplaceTempView("kv");
        calibrate("--table", "kv")
                .fails(ExitCode.DATA, "no column 'dtype', 'data'", "it has sample, layer", "columns under kvscale");
        table().drop("shape").createOrReplaceTempView("kv");
        calibrate("--table", "kv").fails(ExitCode.DATA, "'shape' (or 'heads' and 'head_dim')");
        recipe = recipe("kvscale: {columns: {layer: depth}}");
        table().createOrReplaceTempView("kv");
        calibrate("--table", "kv").fails(ExitCode.DATA, "no column 'depth'");
    }

    @Test
    void headsThatDoNotFitTheDataAreReported() {
        Dataset<Row> heads = table().drop("shape");
        for (String[] bad : new String[][] {
            {"5", "7", "not whole tokens of 5 heads of 7"},
            {"0", "32", "0 and 32"},
            {"4000000000", "4000000000", "not within 1..131072"},
            {"2", "null", "'head_dim' is null"}
        }) {
            refused(
                    heads.withColumn("heads", functions.expr("cast(" + bad[0] + " as bigint)"))
                            .withColumn("head_dim", functions.expr("cast(" + bad[1] + " as bigint)")),
                    bad[2],
                    "sample-00");
        }
    }

    @Test
    void listsOfFloatsMustBeF32WithoutNulls() {
        Dataset<Row> floats = Table.of(Table.floatRows(2, 1), Table.FLOATS);
        refused(floats.withColumn("dtype", functions.lit("BF16")), "'BF16'", "32-bit floats");
        refused(
                floats.withColumn("data", functions.expr("transform(data, (x, i) -> if(i = 3, null, x))")),
                "'data' has a null among its values");
        recipe = recipe("kvscale: {kv_heads: 8}");
        refused(floats, "gives 2 heads of 32, expected 8");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "observer: minmax | order of batches",
                "observer: memoryless_minmax | order of batches",
            })
    void anOrderDependentObserverIsWrongUsage(String observer, String message) throws Exception {
        table().createOrReplaceTempView("kv");
        Path parquet = Table.parquet(table(), 1, work.resolve("table"));
        recipe = Folder.recipe(work, "num_bits: 8, type: float, strategy: tensor, symmetric: true, " + observer);
        List<Integer> jobs = new CopyOnWriteArrayList<>();
        SparkListener listener = new SparkListener() {
            @Override
            public void onJobStart(SparkListenerJobStart start) {
                jobs.add(start.jobId());
            }
        };
        var spark = SharedSpark.context().sc();
        spark.addSparkListener(listener);
        try {
            calibrate("--table", "kv").fails(ExitCode.USAGE, message, "static_minmax");
            calibrate("--input", parquet).fails(ExitCode.USAGE, message, "static_minmax");
            spark.listenerBus().waitUntilEmpty();
        } finally {
            spark.removeSparkListener(listener);
        }
        assertThat(jobs).isEmpty();
    }

    @Test
    void recipeKeysThatDoNotFitTheTableAreErrors() {
        table().createOrReplaceTempView("kv");
        recipe = recipe("kvscale: {layout: 2THD}");
        calibrate("--table", "kv").fails(ExitCode.USAGE, "2THD");
        recipe = recipe("kvscale: {mask: attention_mask}");
        calibrate("--table", "kv").fails(ExitCode.USAGE, "attention_mask");
        recipe = recipe("kvscale: {layout: SHD}");
        calibrate("--table", "kv").fails(ExitCode.DATA, "does not fit layout SHD", "sample-00", "layer 0 key");
    }

    @ParameterizedTest
    @ValueSource(strings = {"absent", "no_catalog.db.absent", "parquet.`/does/not/exist`", "a b c", "", "`"})
    void aMissingTableIsReported(String name) {
        Cli cli = calibrate("--table", name).fails(ExitCode.DATA, "cannot be read");
        assertThat(cli.err()).doesNotContain("Exception").doesNotContain("UnresolvedRelation");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--input IN", "--input-list LIST", "--input-format parquet"})
    void aTableCannotBeCombinedWithInputs(String line) {
        Folder.write(work.resolve("list"), work.toString());
        List<Object> words = new ArrayList<>(List.of("--table", "kv"));
        for (String word : line.split(" ")) {
            words.add(word.equals("IN") ? work : word.equals("LIST") ? work.resolve("list") : word);
        }
        calibrate(words.toArray()).fails(ExitCode.USAGE, "--table");
        calibrate("--input", work, "--input-format", "avro").fails(ExitCode.USAGE, "avro", "parquet");
    }

    @Test
    void parquetThatSparkCannotReadIsBadData() {
        Path input = work.resolve("in");
        calibrate("--input", input, "--input-format", "parquet").fails(ExitCode.DATA, "in does not exist");
        Capture.put(input.resolve("a.parquet"), "PAR1 this is not Parquet".getBytes(StandardCharsets.UTF_8));
        calibrate("--input", input).fails(ExitCode.DATA, "cannot be read", "a.parquet");
        byte[] sound = Folder.bytes(onlyFile(Table.parquet(table(), 1, work.resolve("table"))));
        byte[] cut = sound.clone();
        Arrays.fill(cut, 4, cut.length / 2, (byte) 0x5a);
        Capture.put(input.resolve("a.parquet"), cut);
        calibrate("--input", input).fails(ExitCode.DATA, "cannot be read");
        Capture.put(input.resolve("a.parquet"), sound);
        Capture.put(input.resolve("b.parquet"), Arrays.copyOf(sound, sound.length - 9));
        calibrate("--input", input).fails(ExitCode.DATA, "cannot be read", "b.parquet");
    }

    private static Path onlyFile(Path folder) {
        return Folder.names(folder).keySet().stream()
                .filter(name -> name.endsWith(".parquet"))
                .map(folder::resolve)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void errorsInParquetRowsNameTheFile() {
        Path parquet = Table.parquet(with(ROLE, "query"), 2, work.resolve("table"));
        calibrate("--input", parquet).fails(ExitCode.DATA, "file part-0", ".parquet", "sample sample-02");
    }

    @Test
    void parquetAmongCapturesIsRefused() {
        Path parquet = Table.parquet(table(), 1, work.resolve("in"));
        Table.captures(work.resolve("in"), 1, 1, "BF16");
        calibrate("--input", parquet)
                .fails(ExitCode.DATA, "mix a table with captures", "sample-00.safetensors", "--input-format");
        calibrate("--input", work.resolve("in/sample-00.safetensors"), onlyFile(parquet))
                .fails(ExitCode.DATA, "mix a table with captures");
        calibrate("--input", parquet, "--input-format", "arrow").fails(ExitCode.DATA, "no .arrow or .arrows file");
        Path done = work.resolve("done");
        Cli.run("calibrate", "--recipe", recipe, "--input", parquet, "--input-format", "safetensors", "--output", done)
                .isDone();
        assertThat(Folder.scales(done).corpus().files()).isEqualTo(1);
    }

    @Test
    void filesThatSparkWouldSkipOrReadTwiceAreRefused() {
        Path parquet = Table.parquet(table(), 1, work.resolve("in"));
        Table.parquet(table(), 1, work.resolve("in/more"));
        calibrate("--input", parquet).fails(ExitCode.DATA, "of 2 Parquet files", "reads 1");
        Path file = onlyFile(parquet);
        calibrate("--input", file, parquet, "--input-format", "parquet").fails(ExitCode.DATA, "twice");
    }

    @Test
    void anOutputWithinTheParquetFolderIsRefused() {
        Path parquet = Table.parquet(table(), 1, work.resolve("in"));
        Cli.run("calibrate", "--recipe", recipe, "--input", parquet, "--output", parquet.resolve("out"))
                .fails(ExitCode.OUTPUT, "overlap");
    }

    @Test
    void aViewThatFailsIsBadData() {
        table().withColumn(
                        "layer", functions.expr("if(sample = 'sample-02', cast(raise_error('spoilt') as int), layer)"))
                .createOrReplaceTempView("kv");
        calibrate("--table", "kv").fails(ExitCode.DATA, "table kv cannot be read", "spoilt");
    }

    @Test
    void anErrorWithoutASessionCreatesNoSession() {
        calibrate("--table", "absent", "--master", "local[1]").fails(ExitCode.DATA, "cannot be read");
        assertThat(org.apache.spark.sql.classic.SparkSession.getDefaultSession()
                        .exists(s -> !s.sparkContext().isStopped()))
                .isFalse();
    }

    @Test
    void aDryRunReportsInvalidRows() {
        with(SHAPE, List.of(1L, 2L, 6L, 32L)).createOrReplaceTempView("kv");
        Cli.run("calibrate", "--recipe", recipe, "--table", "kv", "--dry-run").fails(ExitCode.DATA, "896 bytes");
        with(DATA, null).createOrReplaceTempView("kv");
        Cli.run("calibrate", "--recipe", recipe, "--table", "kv", "--dry-run")
                .fails(ExitCode.DATA, "column 'data' is null");
    }
}
