package io.kvscale.spark;

import org.apache.spark.sql.SparkSession;

/** The one Spark session of all tests of this module, with the extension that users set. */
public final class SharedSession {
    private static final SparkSession SESSION = SparkSession.builder()
            .appName("tests")
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "3")
            .config("spark.sql.warehouse.dir", "target/warehouse")
            .config("spark.sql.extensions", "io.kvscale.spark.KvScaleExtensions")
            .getOrCreate();

    private SharedSession() {}

    public static SparkSession get() {
        return SESSION;
    }
}
