package io.kvscale.job;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;

/** A driver program: aggregates captures with SQL on the configured cluster and writes the statistics. */
final class SqlDriver {
    private SqlDriver() {}

    /** @param args the folder of captures, the file to write */
    public static void main(String[] args) throws Exception {
        try (SparkSession spark = SparkSession.builder().getOrCreate()) {
            spark.read()
                    .format("kvtensors")
                    .option("partitions", 20)
                    .load(args[0])
                    .createOrReplaceTempView("kv");
            byte[] statistics = spark.sql("SELECT kv_stats_union_agg(stats) FROM (SELECT layer, role,"
                            + " kv_stats_agg(layer, role, dtype, heads, head_dim, data, sample) AS stats"
                            + " FROM kv GROUP BY layer, role)")
                    .first()
                    .getAs(0);
            Files.write(Path.of(args[1]), statistics);
        }
    }
}
