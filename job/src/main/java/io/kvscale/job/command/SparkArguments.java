package io.kvscale.job.command;

import io.kvscale.job.spark.SparkRuntime;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where commands that need Spark run. */
final class SparkArguments {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = "--master",
            paramLabel = "URL",
            description = "The Spark master; by default spark-submit's, or else local[*] in this process.")
    private @Nullable String master;

    @Option(names = "--conf", paramLabel = "K=V", description = "A Spark property; may be repeated.")
    private Map<String, String> properties = new LinkedHashMap<>();

    @Option(
            names = "--partitions",
            paramLabel = "N",
            description = "Tasks to aim at; by default enough for every core, of at most about 1 GB each. Of a table:"
                    + " the most tasks; Spark plans them, by its own settings, and never cuts a row.")
    private @Nullable Integer partitions;

    /** How many tasks to aim at; 0: not said. */
    int partitions() {
        return partitions == null ? 0 : partitions;
    }

    /** Chosen, not started. @throws ParameterException for a number of tasks below 1 */
    SparkRuntime runtime() {
        if (partitions != null && partitions < 1) {
            throw new ParameterException(spec.commandLine(), "--partitions must be at least 1");
        }
        return SparkRuntime.of(master, properties);
    }
}
