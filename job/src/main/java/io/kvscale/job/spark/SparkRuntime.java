package io.kvscale.job.spark;

import io.kvscale.input.InvalidOptionException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkContext$;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.jspecify.annotations.Nullable;

/** Where jobs run: under spark-submit, on a given master, or embedded in this JVM. */
public final class SparkRuntime {
    private static final Pattern LOCAL = Pattern.compile("local(?:\\[[^,\\]]*(?:,\\s*(\\d{1,6})\\s*)?\\])?");

    private final SparkConf conf;

    private SparkRuntime(SparkConf conf) {
        this.conf = conf;
    }

    /**
     * Configures Spark; starts nothing.
     *
     * @param master a Spark master URL; null for spark-submit's, or else {@code local[*]}
     * @param settings Spark properties; they override all others, except the master by {@code master}
     */
    public static SparkRuntime of(@Nullable String master, Map<String, String> settings) {
        SparkConf conf = new SparkConf().setAppName("kvscale");
        boolean submitted = conf.contains("spark.submit.deployMode");
        settings.forEach(conf::set);
        if (master != null) {
            conf.setMaster(master);
        }
        conf.setIfMissing("spark.master", "local[*]");
        if (!submitted) {
            embed(conf);
        }
        return new SparkRuntime(conf);
    }

    private static void embed(SparkConf conf) {
        conf.setIfMissing("spark.ui.enabled", "false");
        String master = conf.get("spark.master");
        if (master.equals("local") || master.startsWith("local[")) {
            // Local mode needs no connections from other machines.
            conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
            conf.setIfMissing("spark.driver.host", "127.0.0.1");
            return;
        }
        String jar = ownJar();
        if (jar != null) {
            conf.setIfMissing("spark.jars", jar);
        }
    }

    /** The jar with this class; null if classes are not in a jar. */
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

    /** The Hadoop configuration, with {@code spark.hadoop.*} properties. */
    public Configuration hadoop() {
        return SparkHadoopUtil.get().newConfiguration(conf);
    }

    /** Joins the Spark context of this JVM, or starts one. */
    public RunningSpark start() {
        boolean running = SparkContext$.MODULE$.getActive().isDefined();
        if (!running && !conf.contains("spark.submit.deployMode")) {
            ScratchFolder.use(conf);
        }
        try {
            return new RunningSpark(JavaSparkContext.fromSparkContext(SparkContext.getOrCreate(conf)), !running);
        } catch (Exception e) { // Spark throws checked exceptions without declaring them
            if (String.valueOf(e.getMessage()).contains("Could not parse Master URL")) {
                throw new InvalidOptionException(
                        "'" + conf.get("spark.master") + "' is not a Spark master URL",
                        "use local[N], spark://HOST:PORT, yarn or k8s://URL");
            }
            throw e;
        }
    }

    /** How often Spark runs a failing task before it fails the job: once in local mode, unless the URL says more. */
    public static int attempts(SparkConf conf) {
        String master = conf.get("spark.master", "");
        Matcher local = LOCAL.matcher(master);
        if (local.matches()) {
            return local.group(1) == null ? 1 : Integer.parseInt(local.group(1));
        }
        return conf.getInt("spark.task.maxFailures", 4);
    }
}
