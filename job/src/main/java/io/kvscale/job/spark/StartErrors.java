package io.kvscale.job.spark;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.tensor.DataProblem;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.jspecify.annotations.Nullable;

/** Explains why Spark does not start, if its settings or the JVM's heap are the cause. */
final class StartErrors {
    private static final String URLS = "use local[N], spark://HOST:PORT, yarn or k8s://URL";
    private static final Pattern STANDALONE = Pattern.compile("spark://\\S+:\\d{1,5}");

    private static final int CONNECT_MILLIS = 5_000;

    private StartErrors() {}

    /** @throws InvalidOptionException if Spark certainly refuses this URL */
    static void checkMaster(String master) {
        if (master.startsWith("local[") && !SparkRuntime.LOCAL.matcher(master).matches()
                || master.startsWith("spark://") && !STANDALONE.matcher(master).matches()) {
            throw invalidMaster(master);
        }
    }

    /**
     * Waits until a master of a standalone cluster accepts connections. Spark alone would log its attempts, and stop itself
     * later without telling the job why.
     *
     * @throws InvalidOptionException if none does in that time
     */
    static void awaitMaster(String master, long millis) {
        if (!master.startsWith("spark://")) {
            return;
        }
        long end = System.nanoTime() + millis * 1_000_000;
        do {
            for (String address : master.substring("spark://".length()).split(",", -1)) {
                if (accepts(address)) {
                    return;
                }
            }
        } while (System.nanoTime() < end && slept());
        throw new InvalidOptionException(
                "the Spark master " + DataProblem.shown(master) + " accepts no connections",
                "check host and port of --master, and that the master runs");
    }

    private static boolean accepts(String address) {
        int colon = address.lastIndexOf(':');
        try (Socket socket = new Socket()) {
            int port = Integer.parseInt(address.substring(colon + 1));
            socket.connect(new InetSocketAddress(address.substring(0, colon), port), CONNECT_MILLIS);
            return true;
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    private static boolean slept() {
        try {
            Thread.sleep(200);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Spark ends the process, without a message, if it can write to none of its local folders.
     *
     * @throws InvalidOptionException if it can write to none of these
     */
    static void checkFolders(String... folders) {
        for (String folder : folders) {
            try {
                Files.delete(Files.createTempFile(Files.createDirectories(Path.of(folder)), "kvscale", null));
                return;
            } catch (IOException | InvalidPathException e) {
                // Spark uses the others.
            }
        }
        throw new InvalidOptionException(
                "Spark's temporary folder " + DataProblem.shown(String.join(", ", folders)) + " cannot be written",
                "name another one with --conf spark.local.dir=DIR or KVSCALE_JAVA_OPTS=-Djava.io.tmpdir=DIR");
    }

    /**
     * The user's error behind a failed start; null if the failure has another cause.
     *
     * @param given the names of the properties that the command line sets
     */
    static @Nullable InvalidOptionException explained(SparkConf conf, Set<String> given, Exception failure) {
        String message =
                String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
        String master = conf.get("spark.master");
        if (message.contains("Could not parse Master URL") || message.contains("Invalid master URL")) {
            return master.equals("yarn") || master.startsWith("k8s://")
                    ? new InvalidOptionException(
                            "the master '" + DataProblem.shown(master) + "' needs a Spark distribution",
                            "start kvscale.jar with its spark-submit; yarn also needs HADOOP_CONF_DIR")
                    : invalidMaster(master);
        }
        if (message.contains("System memory")) {
            return new InvalidOptionException(
                    "Spark needs a heap of at least 450 MB, and this JVM has "
                            + Runtime.getRuntime().maxMemory() / (1 << 20) + " MB",
                    "set KVSCALE_JAVA_OPTS=-Xmx2g, or --driver-memory 2g of spark-submit");
        }
        Map<String, String> settings = new TreeMap<>();
        given.forEach(property -> settings.put(property, conf.get(property, "")));
        InvalidOptionException setting = SettingErrors.explained(settings, failure);
        if (setting != null) {
            return setting;
        }
        if (failure instanceof IllegalArgumentException
                || failure instanceof ClassNotFoundException
                || failure instanceof BindException
                || failure instanceof FileNotFoundException
                || failure instanceof ClassCastException
                || failure instanceof SparkException) {
            String cause = failure instanceof ClassNotFoundException ? "class not found: " + message : message;
            return new InvalidOptionException(
                    "Spark does not start: " + DataProblem.shown(SettingErrors.reason(cause)),
                    given.isEmpty()
                            ? "check --master, and spark-defaults.conf under spark-submit"
                            : "check --master and --conf: " + DataProblem.shown(String.join(", ", given)));
        }
        return null;
    }

    private static InvalidOptionException invalidMaster(String master) {
        return new InvalidOptionException("'" + DataProblem.shown(master) + "' is not a Spark master URL", URLS);
    }
}
