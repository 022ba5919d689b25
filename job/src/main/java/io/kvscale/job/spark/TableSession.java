package io.kvscale.job.spark;

import io.kvscale.input.RegularFile;
import java.util.Arrays;
import java.util.Map;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.FileRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.jdk.javaapi.CollectionConverters;

/** The Spark SQL session in which jobs read tables. */
public final class TableSession {
    /**
     * Turns off Spark's vectorized readers: they hold thousands of rows at once, and rows of K and V take megabytes, which
     * exceeds the maximum array size of the JVM.
     */
    private static final Map<String, String> ROW_BY_ROW = Map.of(
            "spark.sql.parquet.enableVectorizedReader", "false",
            "spark.sql.orc.enableVectorizedReader", "false");

    /**
     * Makes Spark read local files without the hidden {@code .crc} files beside them, as {@link RegularFile} does. Hadoop's
     * cache of file systems would return the one that verifies checksums.
     */
    private static final Map<String, String> NO_CHECKSUM_FILES =
            Map.of("fs.file.impl", RawLocalFileSystem.class.getName(), "fs.file.impl.disable.cache", "true");

    private TableSession() {}

    /** A copy of the current session, with its views and catalogs; settings made here affect only the copy. */
    public static SparkSession of(JavaSparkContext spark) {
        SparkSession session =
                SparkSession.builder().sparkContext(spark.sc()).getOrCreate().cloneSession();
        ROW_BY_ROW.forEach((key, value) -> {
            if (!spark.getConf().contains(key)) {
                session.conf().set(key, value);
            }
        });
        if (spark.hadoopConfiguration().get("fs.file.impl") == null) {
            NO_CHECKSUM_FILES.forEach(session.conf()::set);
        }
        return session;
    }

    /** The files that a read takes; a file given twice appears twice. */
    public static String[] files(Dataset<?> read) {
        return CollectionConverters.asJava(read.queryExecution().analyzed().collectLeaves()).stream()
                .filter(leaf -> leaf instanceof LogicalRelation)
                .map(leaf -> ((LogicalRelation) leaf).relation())
                .filter(relation -> relation instanceof FileRelation)
                .flatMap(relation -> Arrays.stream(((FileRelation) relation).inputFiles()))
                .toArray(String[]::new);
    }
}
