package io.kvscale.job.command;

import io.kvscale.job.spark.SparkRuntime;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options about Spark, for commands that run on it. */
public final class SparkArguments extends ConfArgument {
    @Option(
            names = "--master",
            paramLabel = "URL",
            description = "The Spark master; default: that of spark-submit, or local[*] in this process.")
    private @Nullable String master;

    /** The driver of Spark keeps some kilobytes for each task. */
    private static final int MAX_PARTITIONS = 100_000;

    @Option(
            names = "--partitions",
            paramLabel = "N",
            description = "Target number of tasks; default: enough for every core, and for captures at most about"
                    + " 1 GB each. For a table: the maximum number; Spark plans the tasks and never splits a row.")
    private @Nullable Integer partitions;

    /** The target number of tasks; 0 if not given. */
    int partitions() {
        return partitions == null ? 0 : partitions;
    }

    /**
     * The runtime to use, not yet started.
     *
     * @throws picocli.CommandLine.ParameterException if {@code --partitions} is out of bounds, or {@code --conf} sets no Spark
     *     property
     */
    SparkRuntime runtime() {
        if (partitions != null && (partitions < 1 || partitions > MAX_PARTITIONS)) {
            throw error("--partitions must be within 1.." + MAX_PARTITIONS);
        }
        return SparkRuntime.of(master, settings());
    }
}
