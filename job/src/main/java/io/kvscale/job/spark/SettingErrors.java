package io.kvscale.job.spark;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.tensor.DataProblem;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.internal.config.ConfigEntry;
import org.jspecify.annotations.Nullable;

/** Finds the Spark property of the command line that Spark refuses: before it starts, or from a failure. */
public final class SettingErrors {
    private static final Pattern CLASS_NAME = Pattern.compile("(?:[A-Za-z_$][\\w$]*\\.)+[A-Za-z_$][\\w$]*");

    private static final int MAX_PORT = 65_535;

    private SettingErrors() {}

    /**
     * Checks values against the type and range that Spark declares for the property. Spark itself checks many of them
     * only when it needs the value, after hours perhaps.
     *
     * @throws InvalidOptionException for the first value that Spark refuses
     */
    static void check(SparkConf conf, Iterable<String> properties) {
        for (String property : properties) {
            checkBounds(property, conf.get(property));
            ConfigEntry<?> entry = ConfigEntry.findEntry(property);
            if (entry == null) {
                continue; // not declared: a property of Hadoop, a plugin or a newer Spark
            }
            try {
                conf.get(entry);
            } catch (IllegalArgumentException e) {
                throw refused(property, conf.get(property), e.getMessage());
            }
        }
    }

    /** Checks values that Spark takes, but cannot work with. */
    private static void checkBounds(String property, String value) {
        boolean isPort = property.endsWith(".port") && value.matches("\\d{1,9}");
        if (isPort && Integer.parseInt(value) > MAX_PORT) {
            throw refused(property, value, "a port is within 0.." + MAX_PORT);
        }
        if (property.equals("spark.driver.maxResultSize") && value.matches("[1-9]\\d{0,5}[bBkK]?")) {
            throw refused(property, value, "tasks return more than that; 0 means no limit");
        }
    }

    /**
     * The error in the properties behind a failure: its message names one of them, or a class that is the value of one
     * cannot be used. Null if that is not so.
     */
    public static @Nullable InvalidOptionException explained(Map<String, String> properties, Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            String message = String.valueOf(t.getMessage());
            for (Map.Entry<String, String> property : properties.entrySet()) {
                if (hasWord(message, property.getKey()) || isAboutClass(t, message, property.getValue())) {
                    boolean isAbsent = t instanceof ClassNotFoundException && message.equals(property.getValue());
                    return refused(
                            property.getKey(), property.getValue(), isAbsent ? "class not found: " + message : message);
                }
            }
        }
        return null;
    }

    private static boolean isAboutClass(Throwable t, String message, String value) {
        return (t instanceof ReflectiveOperationException
                        || t instanceof LinkageError
                        || t instanceof ClassCastException)
                && CLASS_NAME.matcher(value).matches()
                && hasWord(message, value);
    }

    private static boolean hasWord(String text, String word) {
        return Pattern.compile("(?<![\\w.])" + Pattern.quote(word) + "(?![\\w$]|\\.\\w)")
                .matcher(text)
                .find();
    }

    private static InvalidOptionException refused(String property, String value, @Nullable String message) {
        return new InvalidOptionException(
                "Spark cannot use --conf " + DataProblem.shown(property) + "=" + DataProblem.shown(value) + ": "
                        + DataProblem.shown(reason(String.valueOf(message))),
                "correct the value, or leave the property out");
    }

    /** The first line, without Spark's error class and SQL state. */
    static String reason(String message) {
        return message.lines()
                .findFirst()
                .orElse("")
                .replaceFirst("^\\[[A-Z0-9_.]+\\] ", "")
                .replaceFirst("\\s*SQLSTATE: \\w+$", "")
                .replaceFirst("\\.+$", "");
    }
}
