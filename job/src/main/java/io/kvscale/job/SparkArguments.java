package io.kvscale.job;

import io.kvscale.job.spark.SparkRuntime;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where commands that need Spark run. */
final class SparkArguments {
    @Option(
            names = "--master",
            paramLabel = "URL",
            description = "The Spark master; by default spark-submit's, or else local[*] in this process.")
    private @Nullable String master;

    @Option(names = "--conf", paramLabel = "K=V", description = "A Spark property; may be repeated.")
    private Map<String, String> properties = new LinkedHashMap<>();

    /** Chosen, not started. */
    SparkRuntime runtime() {
        return SparkRuntime.of(master, properties);
    }
}
