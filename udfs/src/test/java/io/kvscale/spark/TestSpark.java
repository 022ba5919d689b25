package io.kvscale.spark;

import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;

/** The Spark session of all tests of this module, with the kvscale extension. */
public final class TestSpark {
    private static @Nullable SparkSession session;

    private TestSpark() {}

    public static synchronized SparkSession session() {
        SparkSession running = session;
        if (running == null) {
            running = SparkSession.builder()
                    .appName("tests")
                    .master("local[2]")
                    .config("spark.ui.enabled", "false")
                    .config("spark.driver.bindAddress", "127.0.0.1")
                    .config("spark.driver.host", "127.0.0.1")
                    .config("spark.sql.shuffle.partitions", "3")
                    .config("spark.sql.extensions", KvScaleExtensions.class.getName())
                    .getOrCreate();
            // Tests of bad input fail tasks on purpose and check the error themselves.
            running.sparkContext().setLogLevel("OFF");
            session = running;
        }
        return running;
    }

    public static Dataset<Row> sql(String query) {
        return session().sql(query);
    }

    /** All rows of a query. */
    public static List<Row> rows(String query) {
        return sql(query).collectAsList();
    }

    /** The value of a query with one row and one column. */
    @SuppressWarnings("unchecked")
    public static <T> T one(String query) {
        return (T) rows(query).get(0).get(0);
    }
}
