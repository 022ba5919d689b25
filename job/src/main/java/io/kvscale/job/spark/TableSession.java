package io.kvscale.job.spark;

import java.util.Arrays;
import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.FileRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.jdk.javaapi.CollectionConverters;

/** Spark's SQL as this job uses it. */
public final class TableSession {
    /**
     * Rows of K and V are megabytes; Spark's vectorized readers hold thousands of them at once, more than an array of
     * the JVM can take.
     */
    private static final Map<String, String> ROW_BY_ROW = Map.of(
            "spark.sql.parquet.enableVectorizedReader", "false",
            "spark.sql.orc.enableVectorizedReader", "false");

    private TableSession() {}

    /** A copy of the session that there is, with its views and catalogs; what is set here is set in the copy only. */
    public static SparkSession of(JavaSparkContext spark) {
        SparkSession session =
                SparkSession.builder().sparkContext(spark.sc()).getOrCreate().cloneSession();
        ROW_BY_ROW.forEach((key, value) -> {
            if (!spark.getConf().contains(key)) {
                session.conf().set(key, value);
            }
        });
        return session;
    }

    /** The files that a plain read of files takes, those named twice twice. */
    public static String[] files(Dataset<?> read) {
        return CollectionConverters.asJava(read.queryExecution().analyzed().collectLeaves()).stream()
                .filter(leaf -> leaf instanceof LogicalRelation)
                .map(leaf -> ((LogicalRelation) leaf).relation())
                .filter(relation -> relation instanceof FileRelation)
                .flatMap(relation -> Arrays.stream(((FileRelation) relation).inputFiles()))
                .toArray(String[]::new);
    }
}
