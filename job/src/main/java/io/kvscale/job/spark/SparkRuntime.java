package io.kvscale.job.spark;

import io.kvscale.input.InvalidOptionException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkContext$;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.util.Utils$;
import org.jspecify.annotations.Nullable;

/** Where jobs run: under spark-submit, on a given master, or embedded in this JVM. */
public final class SparkRuntime {
    /** The masters of local mode; the group is the number of attempts of a task. */
    static final Pattern LOCAL =
            Pattern.compile("local(?:\\[\\s*(?:\\*|[1-9]\\d{0,4})\\s*(?:,\\s*(\\d{1,6})\\s*)?\\])?");

    /** As long as Spark itself tries to reach a master. */
    private static final long MASTER_MILLIS = 60_000;

    private static final String NAME = "spark.app.name";

    private static final String LOOPBACK = "127.0.0.1";

    private final SparkConf conf;
    private final Set<String> settings;

    private SparkRuntime(SparkConf conf, Set<String> settings) {
        this.conf = conf;
        this.settings = settings;
    }

    /**
     * Configures Spark; starts nothing.
     *
     * @param master a Spark master URL; null for spark-submit's, or else {@code local[*]}
     * @param settings Spark properties; they override all others, except the master by {@code master}
     * @throws InvalidOptionException if the master is not a URL that Spark knows
     */
    public static SparkRuntime of(@Nullable String master, Map<String, String> settings) {
        boolean submitted = System.getProperty("spark.submit.deployMode") != null;
        String url = master != null
                ? master
                : settings.getOrDefault("spark.master", System.getProperty("spark.master", "local[*]"));
        StartErrors.checkMaster(url);
        boolean local = url.equals("local") || url.startsWith("local[");
        if (!submitted && local && System.getenv("SPARK_LOCAL_HOSTNAME") == null) {
            // Before any SparkConf, whose default values ask DNS for this machine's name.
            Utils$.MODULE$.setCustomHostname(LOOPBACK);
        }
        SparkConf conf = new SparkConf();
        settings.forEach(conf::set);
        conf.setMaster(url);
        if (!submitted) {
            embed(conf, local);
        }
        return new SparkRuntime(conf, settings.keySet());
    }

    /**
     * Names the application, unless the user has named it: {@code --conf spark.app.name}, or spark-submit {@code --name}.
     *
     * @param command a word, such as calibrate
     * @param inputs what is read, as given
     * @param output what is written, as given; null for nothing
     */
    public SparkRuntime named(String command, List<String> inputs, @Nullable String output) {
        String given = conf.get(NAME, "");
        // spark-submit names an application without a name after its jar.
        if (given.isEmpty() || given.endsWith(".jar")) {
            conf.setAppName(ApplicationName.of(command, inputs, output));
        }
        return this;
    }

    String applicationName() {
        return conf.get(NAME, "");
    }

    private static void embed(SparkConf conf, boolean local) {
        conf.setIfMissing("spark.ui.enabled", "false");
        if (local) {
            // Local mode needs no connections from other machines, and none without Spark's random secret.
            conf.setIfMissing("spark.driver.bindAddress", LOOPBACK);
            conf.setIfMissing("spark.driver.host", LOOPBACK);
            conf.setIfMissing("spark.authenticate", "true");
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

    /**
     * Joins the Spark context of this JVM, or starts one.
     *
     * @throws InvalidOptionException if Spark does not start with the given settings, or with so small a heap
     */
    public RunningSpark start() {
        conf.setIfMissing(NAME, "kvscale");
        boolean running = SparkContext$.MODULE$.getActive().isDefined();
        if (!running && !conf.contains("spark.submit.deployMode")) {
            ScratchFolder.use(conf);
        }
        if (!running) {
            SettingErrors.check(conf, settings);
            StartErrors.awaitMaster(conf.get("spark.master"), MASTER_MILLIS);
        }
        if (!running && conf.get("spark.master").startsWith("local")) {
            StartErrors.checkFolders(Utils$.MODULE$.getConfiguredLocalDirs(conf));
        }
        try {
            return new RunningSpark(JavaSparkContext.fromSparkContext(SparkContext.getOrCreate(conf)), !running);
        } catch (Exception e) { // Spark throws checked exceptions without declaring them
            InvalidOptionException explained = StartErrors.explained(conf, settings, e);
            if (explained != null) {
                explained.initCause(e);
                throw explained;
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
