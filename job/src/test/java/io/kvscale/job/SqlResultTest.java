package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.observer.CalibrationStatistics;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Result files made from a SQL statistics column, as README describes, equal those of the job. */
class SqlResultTest {
    @TempDir
    private Path work;

    private SparkSession spark;

    @BeforeEach
    void calibrate() {
        Cli.run("calibrate", "--recipe", Folder.FP8, "--input", Folder.SAMPLE, "--output", work.resolve("job"))
                .isDone();
        spark = SharedSpark.session();
        spark.read().format("kvtensors").load(Folder.SAMPLE.toString()).createOrReplaceTempView("kv");
    }

    /** Writes the results for statistics of a query. @return the result folder */
    private Path results(byte[] statistics, String name) {
        Path file = Capture.put(work.resolve(name + ".kvstats"), statistics);
        Cli.run("scales", "--report", "--statistics", file, "--recipe", Folder.FP8, "--output", work.resolve(name))
                .isDone();
        return work.resolve(name);
    }

    private byte[] bytes(String query) {
        return spark.sql(query).first().getAs(0);
    }

    /** Without what depends on the statistics' count of files. */
    private static JsonNode withoutCorpus(Path folder) {
        ObjectNode json = (ObjectNode) Folder.json(folder.resolve("kv_scales.json"));
        assertThat(json.remove("corpus")).isNotNull();
        assertThat(json.remove("statistics_sha256")).isNotNull();
        return json;
    }

    @Test
    void aStatisticsColumnGivesTheSameFilesAsTheJob() {
        Path sql = results(
                bytes("SELECT kv_stats_union_agg(stats) FROM (SELECT layer, role,"
                        + " kv_stats_agg(layer, role, dtype, heads, head_dim, data, sample) AS stats"
                        + " FROM kv GROUP BY layer, role)"),
                "sql");
        assertThat(withoutCorpus(sql)).isEqualTo(withoutCorpus(work.resolve("job")));
        SortedMap<String, String> ours = Folder.content(sql);
        SortedMap<String, String> jobs = Folder.content(work.resolve("job"));
        assertThat(ours.keySet()).isEqualTo(jobs.keySet());
        assertThat(ours.get("vllm/model-kvscales.safetensors")).isEqualTo(jobs.get("vllm/model-kvscales.safetensors"));
        assertThat(ours.get("vllm/config.json")).isEqualTo(jobs.get("vllm/config.json"));
        // Equal tensors give equal fingerprints. A query does not count files.
        JsonNode corpus = Folder.json(sql.resolve("kv_scales.json")).get("corpus");
        JsonNode expected = Folder.json(work.resolve("job/kv_scales.json")).get("corpus");
        assertThat(corpus.get("fingerprint")).isEqualTo(expected.get("fingerprint"));
        assertThat(corpus.get("files").asInt()).isZero();
    }

    @Test
    void samplesAreNullIfTheQueryGivesNone() {
        Path sql = results(bytes("SELECT kv_stats_agg(layer, role, dtype, heads, head_dim, data) FROM kv"), "sql");
        JsonNode expected = withoutCorpus(work.resolve("job"));
        for (JsonNode layer : expected.get("layers")) {
            for (String role : new String[] {"key", "value"}) {
                ((ObjectNode) layer.get(role)).putNull("min_sample").putNull("max_sample");
            }
        }
        assertThat(withoutCorpus(sql)).isEqualTo(expected);
    }

    @Test
    void scalesInSqlEqualThoseOfTheFile() {
        JsonNode layers = Folder.json(work.resolve("job/kv_scales.json")).get("layers");
        var rows = spark.sql("SELECT s.layer, s.role, s.shape, s.scale, s.zero_point FROM (SELECT explode(kv_scales("
                        + "kv_stats_agg(layer, role, dtype, heads, head_dim, data), 'fp8')) AS s FROM kv)")
                .collectAsList();
        assertThat(rows).hasSize(2 * layers.size());
        for (Row row : rows) {
            JsonNode slot = layers.get(row.getInt(0)).get(row.getString(1));
            assertThat(row.getList(2)).hasToString(slot.get("shape").toString().replace(",", ", "));
            assertThat((float) row.getList(3).get(0))
                    .isEqualTo(slot.get("scale").get(0).floatValue());
            assertThat((float) row.getList(4).get(0)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "num_bits: 8, type: int, strategy: tensor, observer: mse",
                "num_bits: 8, type: float, strategy: attn_head, observer: percentile, observer_kwargs: {percentile: 99.9}",
                "num_bits: 4, type: int, strategy: tensor, observer: entropy",
            })
    void scalesFromHistogramsInSqlEqualThoseOfTheCommandLine(String scheme) {
        byte[] sql = bytes("SELECT kv_stats_agg(layer, role, dtype, heads, head_dim, data, sample, 'histogram') FROM kv"
                + " WHERE layer < 4");
        Path file = Capture.put(work.resolve("counted.kvstats"), sql);
        Path recipe = Folder.recipe(work, scheme);
        Path output = work.resolve("counted");
        Cli.run("scales", "--statistics", file, "--recipe", recipe, "--output", output)
                .isDone();
        JsonNode layers = Folder.json(output.resolve("kv_scales.json")).get("layers");
        spark.createDataFrame(List.of(RowFactory.create(sql, sql)), schema()).createOrReplaceTempView("counted");
        List<Row> rows = spark.sql("SELECT s.layer, s.role, s.scale FROM (SELECT explode(kv_scales(sql, '{" + scheme
                        + "}')) AS s FROM counted)")
                .collectAsList();
        assertThat(rows).hasSize(8).hasSize(2 * layers.size());
        for (Row row : rows) {
            JsonNode scales = layers.get(row.getInt(0)).get(row.getString(1)).get("scale");
            List<Float> given = row.getList(2);
            assertThat(given).hasSize(scales.size());
            for (int i = 0; i < given.size(); i++) {
                assertThat(given.get(i)).isEqualTo(scales.get(i).floatValue());
            }
        }
    }

    @Test
    void statisticsOfJobAndSqlCanBeMerged() {
        byte[] job = Folder.bytes(work.resolve("job/statistics.kvstats"));
        byte[] sql = bytes("SELECT kv_stats_agg(layer, role, dtype, heads, head_dim, data, sample) FROM kv");
        spark.createDataFrame(List.of(RowFactory.create(job, sql)), schema()).createOrReplaceTempView("both");
        CalibrationStatistics union =
                CalibrationStatistics.fromByteArray(bytes("SELECT kv_stats_union(job, sql) FROM both"));
        CalibrationStatistics one = CalibrationStatistics.fromByteArray(job);
        one.slots()
                .forEach((slot, statistics) ->
                        assertThat(union.slots().get(slot).finite()).isEqualTo(2 * statistics.finite()));
        Path twice = results(union.toByteArray(), "twice");
        assertThat(Folder.content(twice).get("vllm/model-kvscales.safetensors"))
                .isEqualTo(Folder.content(work.resolve("job")).get("vllm/model-kvscales.safetensors"));
    }

    private static StructType schema() {
        return new StructType().add("job", "binary").add("sql", "binary");
    }
}
