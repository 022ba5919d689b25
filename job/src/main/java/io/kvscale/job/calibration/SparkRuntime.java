package io.kvscale.job.calibration;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;

/** Where the job runs: under spark-submit as that says, on a cluster that is named, or embedded in this JVM. */
public final class SparkRuntime {
    private SparkRuntime() {}

    /**
     * Starts Spark.
     *
     * @param master a Spark master URL; null: what spark-submit says, or else {@code local[*]}
     * @param settings Spark properties, which win over all others
     */
    public static JavaSparkContext start(@Nullable String master, Map<String, String> settings) {
        SparkConf conf = new SparkConf().setAppName("kvscale");
        if (!conf.contains("spark.submit.deployMode") || master != null) {
            embed(conf, master == null ? "local[*]" : master);
        }
        settings.forEach(conf::set);
        return new JavaSparkContext(conf);
    }

    private static void embed(SparkConf conf, String master) {
        conf.setMaster(master);
        conf.setIfMissing("spark.ui.enabled", "false");
        if (master.startsWith("local[") || master.equals("local")) {
            // Nothing outside this machine takes part, so nothing should be reachable from there.
            conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
            conf.setIfMissing("spark.driver.host", "127.0.0.1");
        } else {
            String jar = ownJar();
            if (jar != null) {
                conf.setIfMissing("spark.jars", jar);
            }
        }
    }

    /** The jar that executors need, if this runs from one. */
    private static @Nullable String ownJar() {
        try {
            Path source = Path.of(SparkRuntime.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            return Files.isRegularFile(source) ? source.toString() : null;
        } catch (URISyntaxException e) {
            return null;
        }
    }
}
