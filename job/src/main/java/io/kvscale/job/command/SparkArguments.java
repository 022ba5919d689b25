package io.kvscale.job.command;

import io.kvscale.job.spark.SparkRuntime;
import io.kvscale.tensor.DataProblem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Options about Spark, for commands that run on it. */
public final class SparkArguments extends CommandPart {
    @Option(
            names = "--master",
            paramLabel = "URL",
            description = "The Spark master; default: that of spark-submit, or local[*] in this process.")
    private @Nullable String master;

    /** The driver of Spark keeps some kilobytes for each task. */
    private static final int MAX_PARTITIONS = 100_000;

    @Option(names = "--conf", paramLabel = "K=V", description = "A Spark property; can be repeated.")
    private List<String> properties = new ArrayList<>();

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

    /** The Spark properties of a command line that was parsed; those without a value are left out. */
    public static Map<String, String> settings(CommandLine command) {
        List<String> given = command.getParseResult().matchedOptionValue("--conf", List.of());
        Map<String, String> settings = new LinkedHashMap<>();
        given.stream().filter(property -> property.indexOf('=') > 0).forEach(property -> put(property, settings));
        return settings;
    }

    private static void put(String property, Map<String, String> settings) {
        int equals = property.indexOf('=');
        settings.put(property.substring(0, equals).strip(), property.substring(equals + 1));
    }

    private Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String property : properties) {
            int equals = property.indexOf('=');
            if (equals < 0 || !property.startsWith("spark.")) {
                throw error("--conf must be the name of a Spark property, '=' and a value, such as"
                        + " spark.executor.memory=4g; got '" + DataProblem.shown(property) + "'");
            }
            put(property, settings);
        }
        return settings;
    }
}
