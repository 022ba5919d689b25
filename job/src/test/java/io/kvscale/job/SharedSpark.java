package io.kvscale.job;

import java.nio.file.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;

/**
 * The Spark context shared by all tests of this module and the commands that they run. It retries tasks, unlike
 * {@code local[*]}. Tests that need other settings stop it first.
 */
public final class SharedSpark {
    private static @Nullable JavaSparkContext context;

    private SharedSpark() {}

    public static synchronized JavaSparkContext context() {
        JavaSparkContext running = context;
        if (running == null || running.sc().isStopped()) {
            running = new JavaSparkContext(new SparkConf()
                    .setAppName("tests")
                    .setMaster("local[2,4]")
                    .set("spark.ui.enabled", "false")
                    .set("spark.metrics.conf.*.sink.jmx.class", "org.apache.spark.metrics.sink.JmxSink")
                    .set("spark.sql.extensions", "io.kvscale.spark.KvScaleExtensions")
                    .set("spark.sql.shuffle.partitions", "3")
                    .set(
                            "spark.sql.warehouse.dir",
                            Path.of("target/spark-warehouse").toUri().toString())
                    .set("spark.driver.bindAddress", "127.0.0.1")
                    .set("spark.driver.host", "127.0.0.1"));
            context = running;
        }
        return running;
    }

    /** A session on the shared context, with the SQL functions. */
    public static SparkSession session() {
        return SparkSession.builder().config(context().getConf()).getOrCreate();
    }

    public static synchronized void stop() {
        if (context != null) {
            context.close();
            context = null;
        }
    }
}
