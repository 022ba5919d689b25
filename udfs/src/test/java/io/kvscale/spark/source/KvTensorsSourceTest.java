package io.kvscale.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.spark.TestSpark;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.spark.SparkRuntimeException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.SparkPlan;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import scala.jdk.javaapi.CollectionConverters;

/** The {@code kvtensors} data source in a real session. */
class KvTensorsSourceTest {
    private static final int SAMPLES = 6;
    private static final int LAYERS = 5;
    private static final int TENSOR_BYTES = 2 * 40 * 16 * 2;

    private final SparkSession spark = TestSpark.session();

    @TempDir
    private Path folder;

    private final Map<String, byte[]> written = new HashMap<>();

    @BeforeEach
    void writeCaptures() throws IOException {
        Random random = new Random(5);
        for (int sample = 0; sample < SAMPLES; sample++) {
            SafetensorsWriter file = new SafetensorsWriter();
            for (int layer = 0; layer < LAYERS; layer++) {
                for (String role : List.of("key", "value")) {
                    byte[] data = new byte[TENSOR_BYTES];
                    random.nextBytes(data);
                    file.add("layers." + layer + "." + role + "s", "BF16", List.of(1L, 2L, 40L, 16L), data);
                    written.put("s" + sample + " " + layer + " " + role, data);
                }
            }
            write("s" + sample + ".safetensors", file);
        }
    }

    private void write(String name, SafetensorsWriter file) throws IOException {
        try (OutputStream out = Files.newOutputStream(folder.resolve(name))) {
            file.writeTo(out);
        }
    }

    private Dataset<Row> table() {
        return spark.read().format("kvtensors").load(folder.toString());
    }

    /** Runs a query and says what its scan read. */
    private static long bytesRead(Dataset<Row> query) {
        var data = (org.apache.spark.sql.classic.Dataset<Row>) query;
        data.collect();
        return scans(data.queryExecution().executedPlan())
                .mapToLong(scan -> scan.metrics().apply(BytesReadMetric.NAME).value())
                .sum();
    }

    private static Stream<SparkPlan> scans(SparkPlan plan) {
        if (plan instanceof org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec adaptive) {
            return scans(adaptive.executedPlan());
        }
        if (plan instanceof org.apache.spark.sql.execution.adaptive.QueryStageExec stage) {
            return scans(stage.plan());
        }
        Stream<SparkPlan> own = plan.metrics().contains(BytesReadMetric.NAME) ? Stream.of(plan) : Stream.empty();
        return Stream.concat(
                own, CollectionConverters.asJava(plan.children()).stream().flatMap(KvTensorsSourceTest::scans));
    }

    @ParameterizedTest
    @CsvSource({"1", "3", "50"})
    void everyTensorIsARowForAnyPartitioning(int partitions) {
        List<Row> rows = spark.read()
                .format("kvtensors")
                .option("partitions", partitions)
                .load(folder.toString())
                .collectAsList();
        assertThat(rows).hasSize(written.size());
        for (Row row : rows) {
            String key = row.getString(0) + " " + row.getInt(1) + " " + row.getString(2);
            assertThat((byte[]) row.getAs("data")).as(key).isEqualTo(written.get(key));
            assertThat(row.getInt(3)).isEqualTo(2);
            assertThat(row.getInt(4)).isEqualTo(16);
            assertThat(row.getInt(5)).isEqualTo(40);
            assertThat(row.getString(6)).isEqualTo("BF16");
            assertThat(row.<Integer>getAs("position")).isZero();
        }
        assertThat(table().schema().simpleString())
                .isEqualTo("struct<sample:string,layer:int,role:string,heads:int,head_dim:int,tokens:int,dtype:string,"
                        + "data:binary,position:int>");
    }

    @Test
    void valuesThatAreNotNeededAreNotRead() {
        long all = bytesRead(table());
        long some = (long) SAMPLES * LAYERS * 2 * TENSOR_BYTES;
        assertThat(all).isBetween(some, some + SAMPLES * 4096);
        assertThat(bytesRead(table().select("sample", "layer", "tokens"))).isLessThanOrEqualTo(SAMPLES * 4096L);
        assertThat(bytesRead(table().groupBy("layer").count())).isLessThanOrEqualTo(SAMPLES * 4096L);
    }

    @Test
    void predicatesSkipByteRangesAndFiles() {
        // Reads begin at multiples of 4 KB.
        long tensor = TENSOR_BYTES + 2 * 4096;
        assertThat(bytesRead(table().where("layer = 3"))).isLessThanOrEqualTo(SAMPLES * (4096 + 2 * tensor));
        assertThat(bytesRead(table().where("layer = 3 and role = 'key'")))
                .isLessThanOrEqualTo(SAMPLES * (4096 + tensor));
        assertThat(bytesRead(table().where("layer = 3 and role = 'key' and sample = 's2'")))
                .isLessThanOrEqualTo(4096 + tensor);
        assertThat(bytesRead(table().where("sample in ('s2', 's4')").select("layer")))
                .isLessThanOrEqualTo(2 * 4096);
        assertThat(bytesRead(table().where("sample = 'nobody'"))).isZero();
        String plan = ((org.apache.spark.sql.classic.Dataset<Row>) table().where("layer = 3"))
                .queryExecution()
                .executedPlan()
                .toString();
        assertThat(plan).contains("EqualTo(layer,3)").doesNotContain(" Filter ");
    }

    private static List<String> predicates() {
        List<String> leaves = List.of(
                "layer = 1",
                "layer <=> 2",
                "layer in (0, 4)",
                "layer < 2",
                "layer >= 3",
                "role = 'key'",
                "role > 'key'",
                "role like 'v%'",
                "sample = 's1'",
                "sample <=> null",
                "sample is not null",
                "sample in ('s0', 's5', 's99')",
                "sample like '%3'",
                "sample like '%s%'",
                "sample > 's2'",
                "upper(role) = 'KEY'",
                "tokens = 40");
        Random random = new Random(7);
        List<String> predicates = new ArrayList<>(leaves);
        for (int i = 0; i < 25; i++) {
            String a = predicates.get(random.nextInt(predicates.size()));
            String b = leaves.get(random.nextInt(leaves.size()));
            predicates.add((random.nextBoolean() ? "not " : "") + "(" + a + ") " + (random.nextBoolean() ? "and" : "or")
                    + " (" + b + ")");
        }
        return predicates;
    }

    /** A pushed predicate keeps the same rows as Spark's filter on all rows. */
    @Test
    void pushedPredicatesKeepTheRowsThatSparkWouldKeep() {
        String[] columns = {"sample", "layer", "role", "tokens"};
        Dataset<Row> table = table();
        Dataset<Row> all = table.selectExpr(columns);
        Dataset<Row> plain = spark.createDataFrame(all.collectAsList(), all.schema());
        for (String predicate : predicates()) {
            assertThat(table.where(predicate).selectExpr(columns).collectAsList())
                    .as(predicate)
                    .containsExactlyInAnyOrderElementsOf(plain.where(predicate).collectAsList());
        }
    }

    @Test
    void aTableOfTheCatalogReadsCaptures() {
        spark.sql("CREATE TABLE captured USING kvtensors OPTIONS (path '" + folder + "', kv_heads '2')");
        try {
            assertThat(spark.sql("SELECT sum(tokens) FROM captured WHERE role = 'key'")
                            .first()
                            .getLong(0))
                    .isEqualTo(40L * SAMPLES * LAYERS);
        } finally {
            spark.sql("DROP TABLE captured");
        }
        spark.sql("CREATE TEMPORARY VIEW viewed USING kvtensors OPTIONS (path '" + folder + "')");
        assertThat(spark.table("viewed").count()).isEqualTo(written.size());
        spark.catalog().dropTempView("viewed");
    }

    @Test
    void severalPathsAreReadAsOne() throws IOException {
        Path other = Files.createDirectory(folder.resolve("other"));
        Files.move(folder.resolve("s0.safetensors"), other.resolve("s0.safetensors"));
        Dataset<Row> both = spark.read()
                .format("kvtensors")
                .load(folder.resolve("s1.safetensors").toString(), other.toString());
        assertThat(both.select("sample").distinct().collectAsList().stream().map(r -> r.getString(0)))
                .containsExactlyInAnyOrder(folder.getFileName() + "/s1", "other/s0");
    }

    @Test
    void longRowsAreCutAndHaveTheirPosition() {
        List<Row> rows = spark.read()
                .format("kvtensors")
                .option("max_row_bytes", 2 * 16 * 2 * 25)
                .load(folder.toString())
                .where("layer = 0 and role = 'key' and sample = 's1'")
                .orderBy("position")
                .selectExpr("position", "tokens", "octet_length(data)")
                .collectAsList();
        assertThat(rows).hasSize(2);
        assertThat(rows.get(0).toString()).isEqualTo("[0,25,1600]");
        assertThat(rows.get(1).toString()).isEqualTo("[25,15,960]");
    }

    @Test
    void badFilesFailWithTheJobsErrors() throws IOException {
        Files.write(folder.resolve("bad.safetensors"), new byte[] {9, 0, 0, 0, 0, 0, 0, 0, '{'});
        assertThatThrownBy(() -> table().collectAsList())
                .hasRootCauseInstanceOf(InvalidDataException.class)
                .isInstanceOf(SparkRuntimeException.class)
                .hasMessageContaining("file bad.safetensors");
        assertThatThrownBy(
                        () -> spark.read().format("kvtensors").load("no/such").collectAsList())
                .isInstanceOf(SparkRuntimeException.class)
                .hasCauseInstanceOf(InvalidDataException.class)
                .hasMessageContaining("no/such does not exist");
        assertThatThrownBy(() -> spark.read().format("kvtensors").load())
                .isInstanceOf(SparkRuntimeException.class)
                .hasCauseInstanceOf(InvalidOptionException.class)
                .hasMessageContaining("no path is given");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "on_nonfinite|skip|does not concern how captures are read",
                "global_scale|divisor|does not concern how captures are read",
                "overrides|[]|does not concern how captures are read",
                "key.scheme|{num_bits: 4}|does not concern how captures are read",
                "num_bits|8|pass the scheme to kv_scales",
                "observer|mse|pass the scheme to kv_scales",
                "statistics|histogram|kv_stats_agg",
                "max_seq_length|2048|kvscale calibrate --model",
                "fields.text|body|kvscale calibrate --model",
                "max_seq_lenght|2048|the nearest known one is 'max_seq_length'",
                "mla|maybe|option mla must be true or false",
                "key.tensors|(|option key.tensors: ",
                "ignore|['layers']|write it as a JSON array",
                "targets|[0-9]|write it as a JSON array",
                "columns|{data: v}|is a mapping",
                "key|{tensors: x}|is a mapping",
                "columns.foo|x|the nearest known one is 'columns.",
                "header|true|unknown option 'header'",
                "fs.s3a.endpoint|x|unknown option 'fs.s3a.endpoint'",
                "attention|x|known are key.tensors, value.tensors, query.tensors, layout, ",
                "layoutt|BHSD|the nearest known one is 'layout'",
                "layout|HSDB|BHSD, BSHD, HSD, SHD, 2THD",
                "kv_heads|-1|must be a whole number from 1 to ",
                "max_row_bytes|x|must be a whole number from 1 to ",
                "mla|yes|true or false",
                "key.tensors|keys|no group named layer",
                "ignore|[\"(\"]|regular expression",
                "partitions|0|must be a whole number from 1 to ",
            })
    void anInvalidOptionIsNamed(String option, String value, String message) {
        assertThatThrownBy(() ->
                        spark.read().format("kvtensors").option(option, value).load(folder.toString()))
                .isInstanceOf(SparkRuntimeException.class)
                .hasCauseInstanceOf(InvalidOptionException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aRemedyNamesTheOptionAndNoRecipe() throws IOException {
        Files.createDirectory(folder.resolve("many"));
        write(
                "many/m.safetensors",
                new SafetensorsWriter().add("layers.0.keys", "BF16", List.of(1L, 129L, 2L, 16L), new byte[129 * 64]));
        assertThatThrownBy(() -> spark.read()
                        .format("kvtensors")
                        .load(folder.resolve("many").toString())
                        .collectAsList())
                .hasStackTraceContaining("set layout: BSHD as an option")
                .hasMessageNotContaining("recipe");
    }

    @ParameterizedTest
    @CsvSource({
        "columns.data, values, option columns.data has no effect: it concerns tables",
        "columns.sample, sample, option columns.sample has no effect",
        "mla, true, mla is true",
    })
    void anOptionThatDoesNotConcernTheFilesIsNamed(String option, String value, String message) {
        assertThatThrownBy(() -> spark.read()
                        .format("kvtensors")
                        .option(option, value)
                        .load(folder.toString())
                        .count())
                .hasStackTraceContaining(message);
    }

    /** Spark passes only what the user writes as options; a Hive metastore adds one of its own. */
    @Test
    void whatSparkKnowsOfATableIsNoOption() {
        spark.sql("CREATE TABLE described USING kvtensors OPTIONS (path '" + folder
                + "', 'serialization.format' '1') COMMENT 'K and V' TBLPROPERTIES ('owned by' 'us')");
        try {
            assertThat(spark.table("described").count()).isPositive();
            assertThat(spark.sql("SELECT * FROM described WITH (partitions = 2)")
                            .count())
                    .isPositive();
            assertThatThrownBy(() -> spark.sql("SELECT * FROM described WITH (partition_count = 2)")
                            .count())
                    .hasMessageContaining("unknown option 'partition_count'");
        } finally {
            spark.sql("DROP TABLE described");
        }
        spark.sql("CREATE TABLE misspelt USING kvtensors OPTIONS (path '" + folder + "', shards '2')");
        assertThatThrownBy(() -> spark.table("misspelt").count()).hasMessageContaining("unknown option 'shards'");
        spark.sql("DROP TABLE misspelt");
        assertThatThrownBy(() -> spark.sql(
                        "CREATE TEMPORARY VIEW misspelt USING kvtensors OPTIONS (path '" + folder + "', shards '2')"))
                .hasMessageContaining("unknown option 'shards'");
    }

    @Test
    void optionsHaveTheKeysOfRecipes() {
        Dataset<Row> some = spark.read()
                .format("kvtensors")
                .option("targets", "[\"layers\\\\.[12]\\\\.\", \"layers\\\\.4\"]")
                .option("ignore", "layers\\.2")
                .option("key.tensors", "layers\\.(?P<layer>\\d+)\\.keys")
                .option("kv_heads", "2")
                .load(folder.toString());
        assertThat(some.select("layer")
                        .distinct()
                        .as(org.apache.spark.sql.Encoders.INT())
                        .collectAsList())
                .containsExactlyInAnyOrder(1, 4);
    }

    @Test
    void capturesMustFitTheModelsConfig() throws IOException {
        String model = "{\"model_type\": \"llama\", \"num_hidden_layers\": %d, \"num_attention_heads\": 4,"
                + " \"num_key_value_heads\": %d, \"head_dim\": 16}";
        Path config = folder.resolve("config.json");
        Files.writeString(config, String.format(Locale.ROOT, model, LAYERS, 2));
        assertThat(withConfig(config).count()).isEqualTo(written.size());
        Files.writeString(config, String.format(Locale.ROOT, model, LAYERS, 4));
        assertThatThrownBy(() -> withConfig(config).collectAsList())
                .isInstanceOf(SparkRuntimeException.class)
                .hasMessageContaining("gives 2 heads of 16, config.json says 4 of 16");
        Files.writeString(config, "[]");
        assertThatThrownBy(() -> withConfig(config).collectAsList())
                .isInstanceOf(SparkRuntimeException.class)
                .hasMessageContaining("config.json is not a JSON object");
    }

    @Test
    void queriesAreRowsWhereAPatternNamesThem() throws IOException {
        byte[] data = new byte[2 * TENSOR_BYTES];
        write("q.safetensors", new SafetensorsWriter().add("blk3.Q", "BF16", List.of(1L, 4L, 40L, 16L), data));
        assertThat(table().count()).isEqualTo(written.size());
        Dataset<Row> rows = spark.read()
                .format("kvtensors")
                .option("query.tensors", "blk(?P<layer>\\d+)\\.Q")
                .load(folder.toString());
        assertThat(rows.count()).isEqualTo(written.size() + 1);
        Row query = rows.where("role = 'query'").head();
        assertThat(query.<Integer>getAs("layer")).isEqualTo(3);
        assertThat(query.<Integer>getAs("heads")).isEqualTo(4);
        byte[] stats = (byte[]) rows.where("layer = 3")
                .selectExpr("kv_stats_agg(layer, role, dtype, heads, head_dim, data, sample)")
                .head()
                .get(0);
        assertThat(CalibrationStatistics.fromByteArray(stats).slots()).containsKey(new Slot(3, Role.QUERY));
    }

    private Dataset<Row> withConfig(Path config) {
        return spark.read()
                .format("kvtensors")
                .option("model_config", config.toString())
                .load(folder.toString());
    }

    @Test
    void aBatchWithTokensBeforeHeadsHasTheRowsOfItsTranspose() throws IOException {
        int batch = 3;
        int tokens = 5;
        byte[] tokenMajor = new byte[batch * tokens * 2 * 16 * 2];
        byte[] headMajor = new byte[tokenMajor.length];
        for (int i = 0; i < tokenMajor.length / 2; i++) {
            int d = i % 16;
            int head = i / 16 % 2;
            int token = i / 32 % tokens;
            int row = i / 32 / tokens;
            int to = ((row * 2 + head) * tokens + token) * 16 + d;
            tokenMajor[2 * i] = headMajor[2 * to] = (byte) i;
            tokenMajor[2 * i + 1] = headMajor[2 * to + 1] = (byte) (i >> 8);
        }
        Path other = Files.createDirectory(folder.resolve("other"));
        write(
                "other/b.safetensors",
                new SafetensorsWriter().add("layers.0.keys", "BF16", List.of(3L, 5L, 2L, 16L), tokenMajor));
        List<Row> rows = spark.read()
                .format("kvtensors")
                .option("layout", "BSHD")
                .load(other.toString())
                .orderBy("sample")
                .collectAsList();
        assertThat(rows).hasSize(batch);
        for (int row = 0; row < batch; row++) {
            int size = headMajor.length / batch;
            assertThat((byte[]) rows.get(row).getAs("data"))
                    .isEqualTo(Arrays.copyOfRange(headMajor, row * size, (row + 1) * size));
        }
    }
}
