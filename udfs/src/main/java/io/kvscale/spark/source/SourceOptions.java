package io.kvscale.spark.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.layout.LayerFilter;
import io.kvscale.capture.layout.LayerPattern;
import io.kvscale.capture.layout.Layout;
import io.kvscale.capture.layout.TableColumns;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.scheme.Vocabulary;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The options of {@code kvtensors}: {@code path}, the recipe's own keys below {@code kvscale} (nested ones with a dot, as
 * {@code key.tensors} and {@code columns.data}; lists as JSON arrays), {@code partitions} as the job's, and
 * {@code max_row_bytes}.
 *
 * @param partitions 0: as many as the job would take
 * @param maxRowBytes rows of more bytes are cut along tokens
 */
record SourceOptions(List<String> paths, CaptureOptions capture, int partitions, long maxRowBytes) {
    private static final long DEFAULT_ROW_BYTES = 64L << 20;

    /** An array of the JVM holds no more. */
    private static final long MAX_ROW_BYTES = 1L << 30;

    private static final int MAX_PARTITIONS = 1_000_000;

    private static final Vocabulary KEYS = Vocabulary.of(
            "key.tensors",
            "value.tensors",
            "layout",
            "kv_heads",
            "head_dim",
            "mask",
            "targets",
            "ignore",
            "mla",
            "columns.sample",
            "columns.layer",
            "columns.role",
            "columns.shape",
            "columns.heads",
            "columns.head_dim",
            "columns.dtype",
            "columns.data",
            "partitions",
            "max_row_bytes");

    /** The recipe's other keys: a user would think that they work. */
    private static final Set<String> NOT_OF_READING =
            Set.of("hybrid", "allow_zero", "on_nonfinite", "keys", "scale_dtype", "statistics", "overrides");

    /** The recipe's mappings, which an option has no form for. */
    private static final Set<String> NESTED = Set.of("key", "value", "columns");

    private static final String NESTED_EXAMPLE = "key.tensors, value.tensors or columns.data";

    /** How the nested keys begin, none of which is another's. */
    private static final List<String> OURS = List.of("key.", "value.", "columns.");

    private static final Vocabulary LAYOUTS = Vocabulary.of("BHSD", "SHD", "2THD");

    /** As many letters off, a key that nobody knows is a slip of the pen; else it is Spark's or a catalog's. */
    private static final int SLIP = 2;

    /** @throws InvalidOptionException for a value that cannot be used or a misspelt key, with the remedy */
    static SourceOptions of(Map<String, String> given) {
        Map<String, String> options = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        options.putAll(given);
        options.keySet().forEach(SourceOptions::rejectMisspelt);
        Reader reader = new Reader(options);
        CaptureOptions capture = new CaptureOptions(
                reader.pattern("key.tensors"),
                reader.pattern("value.tensors"),
                reader.layout(),
                (int) reader.number("kv_heads", 0, Geometry.MAX_CHANNELS),
                (int) reader.number("head_dim", 0, Geometry.MAX_CHANNELS),
                options.get("mask"),
                reader.list("targets"),
                reader.list("ignore"),
                reader.flag("mla"),
                reader.columns());
        new LayerFilter(capture.targets(), capture.ignore());
        return new SourceOptions(
                reader.paths(),
                capture,
                (int) reader.number("partitions", 0, MAX_PARTITIONS),
                reader.number("max_row_bytes", DEFAULT_ROW_BYTES, MAX_ROW_BYTES));
    }

    private static void rejectMisspelt(String key) {
        if (NOT_OF_READING.contains(key.toLowerCase(Locale.ROOT))) {
            throw new InvalidOptionException(
                    "option " + key + " does not concern how captures are read",
                    "say it in the recipe from which scales are derived");
        }
        if (NESTED.contains(key.toLowerCase(Locale.ROOT))) {
            throw new InvalidOptionException(
                    "option " + key + " is a mapping", "give what it holds one by one, as " + NESTED_EXAMPLE);
        }
        String nearest = KEYS.nearest(key);
        int off = Vocabulary.distance(key, nearest);
        boolean ours = OURS.stream().anyMatch(key.toLowerCase(Locale.ROOT)::startsWith);
        if (off > 0 && (off <= SLIP || ours)) {
            throw new InvalidOptionException(
                    "unknown option '" + DataProblem.shown(key) + "'", "the nearest known one is '" + nearest + "'");
        }
    }

    /** Typed access by name. */
    private record Reader(Map<String, String> options) {
        List<String> paths() {
            String one = options.get("path");
            String several = options.get("paths");
            if (one == null && several == null) {
                throw new InvalidOptionException(
                        "no path is given", "say load(PATH), or OPTIONS (path 'PATH'): a folder, a file or a glob");
            }
            return one != null ? List.of(one) : strings("paths", several);
        }

        private static List<String> strings(String key, @Nullable String json) {
            try {
                return Arrays.asList(JsonMapper.builder().build().readValue(String.valueOf(json), String[].class));
            } catch (JsonProcessingException e) {
                throw new InvalidOptionException(
                        key + " is not a list of texts",
                        "write it as a JSON array: [\"a\", \"b\"]; a pattern that begins with a bracket goes into one too");
            }
        }

        /** A JSON array of texts, or one text. What begins as a list and is none would mean something else as one text. */
        List<String> list(String key) {
            String value = options.get(key);
            if (value == null) {
                return List.of();
            }
            return value.startsWith("[") ? strings(key, value) : List.of(value);
        }

        @Nullable
        String pattern(String key) {
            String regex = options.get(key);
            if (regex != null) {
                LayerPattern.compile(regex);
            }
            return regex;
        }

        @Nullable
        Layout layout() {
            String word = options.get("layout");
            return word == null
                    ? null
                    : Layout.named(word).orElseThrow(() -> wrong("layout", word, String.join(", ", LAYOUTS.words())));
        }

        long number(String key, long byDefault, long most) {
            String value = options.get(key);
            if (value == null) {
                return byDefault;
            }
            if (value.matches("[1-9]\\d{0,17}") && Long.parseLong(value) <= most) {
                return Long.parseLong(value);
            }
            throw wrong(key, value, "a whole number within 1.." + most);
        }

        boolean flag(String key) {
            String value = options.getOrDefault(key, "false");
            if (value.equalsIgnoreCase("true") || value.equalsIgnoreCase("false")) {
                return value.equalsIgnoreCase("true");
            }
            throw wrong(key, value, "true or false");
        }

        TableColumns columns() {
            return new TableColumns(
                    column("sample"),
                    column("layer"),
                    column("role"),
                    column("shape"),
                    column("heads"),
                    column("head_dim"),
                    column("dtype"),
                    column("data"));
        }

        private String column(String name) {
            return options.getOrDefault("columns." + name, name);
        }

        private static InvalidOptionException wrong(String key, String value, String expected) {
            return new InvalidOptionException(
                    "option " + key + " is '" + DataProblem.shown(value) + "'", "expected " + expected);
        }
    }
}
