package io.kvscale.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares the replaced partial aggregation with Spark's own: equal groups and equal bytes. */
class StatisticsPlanRuleTest {
    private static final String AGGREGATE = "kv_stats_agg(layer, role, dtype, heads, head_dim, data, sample)";
    private static final String HISTOGRAM = AGGREGATE.replace(")", ", 'histogram')");
    private static final int LAYERS = 90;

    private final SparkSession spark = TestSpark.session();

    @TempDir
    private Path folder;

    @BeforeEach
    void writeCaptures() throws IOException {
        Random random = new Random(3);
        for (int sample = 0; sample < 20; sample++) {
            SafetensorsWriter file = new SafetensorsWriter();
            for (int layer = 0; layer < LAYERS; layer++) {
                for (String role : List.of("keys", "values")) {
                    byte[] data = new byte[2 * 3 * 4 * 4];
                    for (int i = 0; i < data.length / 4; i++) {
                        int bits = Float.floatToRawIntBits((float) random.nextGaussian());
                        for (int b = 0; b < 4; b++) {
                            data[4 * i + b] = (byte) (bits >>> 8 * b);
                        }
                    }
                    file.add("layers." + layer + "." + role, "F32", List.of(1L, 2L, 3L, 4L), data);
                }
            }
            try (OutputStream out = Files.newOutputStream(folder.resolve("s" + sample + ".safetensors"))) {
                file.writeTo(out);
            }
        }
        spark.read()
                .format("kvtensors")
                .option("max_row_bytes", 64)
                .option("partitions", 3)
                .load(folder.toString())
                .createOrReplaceTempView("kv");
    }

    @AfterEach
    void dropView() {
        spark.catalog().dropTempView("kv");
    }

    /** The plan after the run, because adaptive execution creates stages while it runs. */
    private static String plan(Dataset<Row> query) {
        query.collectAsList();
        return ((org.apache.spark.sql.classic.Dataset<Row>) query)
                .queryExecution()
                .executedPlan()
                .toString()
                .split("== Initial Plan ==", 2)[0];
    }

    private TreeMap<String, CalibrationStatistics> groups(String query) {
        TreeMap<String, CalibrationStatistics> groups = new TreeMap<>();
        for (Row row : spark.sql(query).collectAsList()) {
            byte[] stats = row.getAs("stats");
            groups.put(
                    row.json().replaceAll("\"stats\":\"[^\"]*\"", ""),
                    stats == null ? new CalibrationStatistics() : CalibrationStatistics.fromByteArray(stats));
        }
        return groups;
    }

    /** A filter clause that keeps every row makes Spark use its own operator. */
    private TreeMap<String, CalibrationStatistics> sameAsSpark(String query) {
        String plan = plan(spark.sql(query));
        assertThat(plan).contains("StatisticsPartialAggregate");
        assertThat(plan.contains("Project")).as(plan).isEqualTo(query.contains("%"));
        String filter = " FILTER (WHERE tokens >= 0)";
        String plain = query.replace(AGGREGATE, AGGREGATE + filter).replace(HISTOGRAM, HISTOGRAM + filter);
        assertThat(plan(spark.sql(plain))).doesNotContain("StatisticsPartialAggregate");
        TreeMap<String, CalibrationStatistics> ours = groups(query);
        TreeMap<String, CalibrationStatistics> theirs = groups(plain);
        assertThat(ours.keySet()).isEqualTo(theirs.keySet()).isNotEmpty();
        ours.forEach((group, stats) -> assertThat(stats.toByteArray())
                .as(group)
                .isEqualTo(theirs.get(group).toByteArray()));
        return ours;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT %s AS stats FROM kv",
                "SELECT role, %s AS stats FROM kv WHERE layer < 70 GROUP BY role",
                "SELECT sample, layer, role, %s AS stats FROM kv GROUP BY sample, layer, role",
            })
    void histogramsEqualThoseOfSparksOperator(String query) {
        sameAsSpark(query.replace("%s", HISTOGRAM))
                .values()
                .forEach(stats ->
                        assertThat(stats.slots().values()).isNotEmpty().allMatch(SlotStatistics::hasHistograms));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT %s AS stats FROM kv",
                "SELECT layer, role, %s AS stats FROM kv GROUP BY layer, role",
                "SELECT role, %s AS stats FROM kv WHERE layer < 70 GROUP BY role",
                "SELECT sample, layer, role, %s AS stats FROM kv GROUP BY sample, layer, role",
                "SELECT layer % 3 AS third, %s AS stats FROM kv GROUP BY layer % 3",
                "SELECT %s AS stats FROM kv WHERE sample = 'nobody'",
                "SELECT layer, %s AS stats FROM kv WHERE sample = 'nobody' GROUP BY layer",
            })
    void groupsAndStatesEqualThoseOfSparksOperator(String query) {
        String full = query.replace("%s", AGGREGATE);
        if (query.contains("nobody") && query.contains("GROUP BY")) {
            assertThat(groups(full)).isEmpty();
        } else {
            sameAsSpark(full);
        }
    }

    @Test
    void moreGroupsThanATaskHoldsAreMergedAfterTheShuffle() {
        String query = "SELECT sample, layer, role, position, " + AGGREGATE
                + " AS stats FROM kv GROUP BY sample, layer, role, position";
        assertThat(spark.sql(query).count()).isEqualTo(20L * LAYERS * 2 * 2);
        sameAsSpark(query);
    }

    @Test
    void rowsOfOtherSourcesAreAggregated() {
        spark.table("kv")
                .where("layer < 2")
                .write()
                .parquet(folder.resolve("copy.parquet").toString());
        spark.read().parquet(folder.resolve("copy.parquet").toString()).createOrReplaceTempView("copied");
        String query = "SELECT layer, role, " + AGGREGATE + " AS stats FROM copied GROUP BY layer, role";
        assertThat(plan(spark.sql(query)))
                .contains("StatisticsPartialAggregate")
                .contains("ColumnarToRow");
        TreeMap<String, CalibrationStatistics> direct = groups(query.replace("FROM copied", "FROM kv WHERE layer < 2"));
        groups(query)
                .forEach((group, stats) -> assertThat(stats.toByteArray())
                        .as(group)
                        .isEqualTo(direct.get(group).toByteArray()));
        spark.catalog().dropTempView("copied");
    }

    @Test
    void resultsAreEqualWithoutAdaptiveExecution() {
        spark.conf().set("spark.sql.adaptive.enabled", "false");
        try {
            sameAsSpark("SELECT layer, role, " + AGGREGATE + " AS stats FROM kv GROUP BY layer, role");
        } finally {
            spark.conf().unset("spark.sql.adaptive.enabled");
        }
    }

    @Test
    void equalSubqueriesShareAnExchange() {
        String one = "(SELECT layer, role, " + AGGREGATE + " AS stats FROM kv GROUP BY layer, role)";
        List<Row> rows = spark.sql("SELECT count(*) FROM " + one + " a JOIN " + one
                        + " b ON a.layer = b.layer AND a.role = b.role AND a.stats = b.stats")
                .collectAsList();
        assertThat(rows.get(0).getLong(0)).isEqualTo(2L * LAYERS);
    }
}
