package io.kvscale.job.command;

import io.kvscale.tensor.DataProblem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** {@code --conf}: Spark properties, and with {@code spark.hadoop.} before them those of Hadoop's file systems. */
public class ConfArgument extends CommandPart {
    private static final String OPTION = "--conf";
    private static final String HADOOP = "spark.hadoop.";

    @Option(
            names = OPTION,
            paramLabel = "K=V",
            description = "A Spark property; can be repeated. spark.hadoop.fs.* set up file systems.")
    private List<String> properties = new ArrayList<>();

    /** The Spark properties of a command line that was parsed; those without a value are left out. */
    public static Map<String, String> settings(CommandLine command) {
        List<String> given = command.getParseResult().matchedOptionValue(OPTION, List.of());
        Map<String, String> settings = new LinkedHashMap<>();
        given.stream().filter(property -> property.indexOf('=') > 0).forEach(property -> put(property, settings));
        return settings;
    }

    private static void put(String property, Map<String, String> settings) {
        int equals = property.indexOf('=');
        settings.put(property.substring(0, equals).strip(), property.substring(equals + 1));
    }

    /** @throws picocli.CommandLine.ParameterException if {@code --conf} sets no Spark property */
    final Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String property : properties) {
            int equals = property.indexOf('=');
            if (equals < 0 || !property.startsWith("spark.")) {
                throw error(OPTION + " must be the name of a Spark property, '=' and a value, such as"
                        + " spark.executor.memory=4g; got '" + DataProblem.shown(property) + "'");
            }
            put(property, settings);
        }
        return settings;
    }

    /** The Hadoop configuration of a command that does not start Spark. Under spark-submit it has its properties too. */
    final Configuration hadoop() {
        Map<String, String> all = new LinkedHashMap<>();
        System.getProperties().stringPropertyNames().forEach(name -> all.put(name, System.getProperty(name)));
        all.putAll(settings());
        Configuration hadoop = new Configuration();
        all.forEach((name, value) -> {
            if (name.startsWith(HADOOP)) {
                hadoop.set(name.substring(HADOOP.length()), value);
            }
        });
        return hadoop;
    }
}
