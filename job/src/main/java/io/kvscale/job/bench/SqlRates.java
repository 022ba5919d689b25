package io.kvscale.job.bench;

import io.kvscale.capture.CaptureListing;
import io.kvscale.job.calibration.CalibrationJob;
import io.kvscale.job.calibration.CalibrationResult;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.spark.KvScaleExtensions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Rates of the job, of SQL over several sources and of SQL without kvscale's functions, on two threads. All are in GB/s of
 * captured K and V: values in {@code array<float>} count with the bytes that they had when captured.
 */
final class SqlRates {
    private static final String STATISTICS = "SELECT layer, role,"
            + " kv_stats_agg(layer, role, dtype, heads, head_dim, data, sample) FROM %s GROUP BY layer, role";

    /** SQL without kvscale's functions: the range of K and V per layer, but not per channel. */
    private static final String PLAIN = "SELECT layer, role, min(x), max(x)"
            + " FROM (SELECT layer, role, explode(data) AS x FROM plain) GROUP BY layer, role";

    /** Tables that are slow to write hold a part of the captures. */
    private static final String SOME = "kvtensors WHERE sample IN ('sample-0', 'sample-1', 'sample-2', 'sample-3')";

    private static final String FEW = "kvtensors WHERE sample = 'sample-0' AND layer < 4";

    /** Number of hard links to each file. A query has an overhead of 0.1 s, which is negligible for real corpora. */
    private static final int LINKS = 16;

    private SqlRates() {}

    /** Figures by name. */
    static Map<String, Double> measure(GeneratedCaptures captures, Path tables, double seconds) throws Exception {
        try (SparkSession spark = session(tables)) {
            Path corpus = multiplied(captures.folder(), tables.resolve("captures"));
            Path arrow = ArrowTables.write(captures.folder(), tables.resolve("written"));
            view(spark, corpus, "kvtensors");
            view(spark, multiplied(arrow, tables.resolve("arrow")), "arrow");
            copy(spark, "SELECT * FROM " + SOME, tables.resolve("parquet"));
            // Quantizing to fp8 and back is the way to get floats from the captured bytes in SQL.
            copy(
                    spark,
                    "SELECT layer, role, kv_dequantize(kv_quantize(data, dtype, 0.5D, 'fp8'), 0.5D, 'fp8') AS data FROM "
                            + FEW,
                    tables.resolve("plain"));
            Map<String, Callable<?>> whole = new LinkedHashMap<>();
            whole.put("job", () -> calibrate(corpus));
            whole.put("kvtensors", () -> query(spark, STATISTICS.formatted("kvtensors")));
            whole.put("arrow", () -> query(spark, STATISTICS.formatted("arrow")));
            ToDoubleFunction<String> rate = new Rounds(bytes(spark, "kvtensors"), seconds).medians(whole);
            double job = rate.applyAsDouble("job");
            double sql = rate.applyAsDouble("kvtensors");
            double arrows = rate.applyAsDouble("arrow");
            double parquet = alone(spark, STATISTICS.formatted("parquet"), SOME, seconds / 4);
            double plain = alone(spark, PLAIN, FEW, seconds / 4);
            Map<String, Double> figures = new LinkedHashMap<>();
            figures.put("job_gbps", job);
            figures.put("sql_gbps", sql);
            figures.put("arrow_gbps", arrows);
            figures.put("parquet_gbps", parquet);
            figures.put("plain_sql_gbps", plain);
            figures.put("sql_ratio", sql / job);
            figures.put("arrow_ratio", arrows / job);
            figures.put("parquet_ratio", parquet / job);
            figures.put("plain_sql_speedup", sql / plain);
            return figures;
        }
    }

    private static SparkSession session(Path tables) {
        Map<String, String> settings = Map.of(
                "spark.sql.extensions",
                KvScaleExtensions.class.getName(),
                // The job merges in 2 partitions too. With Spark's default of 200, opening 200 files per task takes a
                // sixth of the time.
                "spark.sql.shuffle.partitions",
                "2",
                "spark.sql.warehouse.dir",
                tables.toUri().toString(),
                "spark.ui.enabled",
                "false");
        return SparkSession.builder()
                .config(SparkRuntime.of("local[2]", settings).start().context().getConf())
                .getOrCreate();
    }

    private static Path multiplied(Path folder, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                Files.createLink(to.resolve(name), file);
                for (int copy = 1; copy < LINKS; copy++) {
                    Files.createLink(to.resolve(copy + "-" + name), file);
                }
            }
        }
        return to;
    }

    private static void view(SparkSession spark, Path folder, String name) {
        spark.read().format("kvtensors").load(folder.toString()).createOrReplaceTempView(name);
    }

    private static void copy(SparkSession spark, String query, Path table) {
        spark.sql(query).repartition(2).write().parquet(table.toString());
        spark.read()
                .parquet(table.toString())
                .createOrReplaceTempView(table.getFileName().toString());
    }

    /** Bytes of K and V in a table of captures. Reads only headers. */
    private static long bytes(SparkSession spark, String from) {
        return spark.sql("SELECT sum(2L * heads * tokens * head_dim) FROM " + from)
                .first()
                .getLong(0);
    }

    private static double alone(SparkSession spark, String query, String from, double seconds) throws Exception {
        return new Rounds(bytes(spark, from), seconds)
                .medians(Map.of("query", () -> query(spark, query)))
                .applyAsDouble("query");
    }

    private static List<?> query(SparkSession spark, String query) {
        return spark.sql(query).collectAsList();
    }

    private static CalibrationResult calibrate(Path captures) throws IOException {
        Recipe recipe = Recipe.parse("kv_cache_scheme: {num_bits: 8, type: float}", "bench");
        CaptureListing listing = CaptureListing.of(List.of(captures.toString()), new Configuration());
        CalibrationResult result = CalibrationJob.ofCaptures(SparkRuntime.of(null, Map.of()), recipe, listing)
                .execute();
        if (result.problem() != null) {
            throw new IOException("the generated captures are invalid: " + result.problem());
        }
        return result;
    }
}
