package io.kvscale.spark.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.json.Json;
import io.kvscale.model.config.ModelConfigFile;
import io.kvscale.option.CaptureKeys;
import io.kvscale.option.KeyScope.Input;
import io.kvscale.option.KeyValues;
import io.kvscale.option.RecipeKey;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.Vocabulary;
import io.kvscale.tensor.DataProblem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * The options of {@code kvtensors}: {@code path} or {@code paths}, the {@link RecipeKey}s about reading captures
 * (nested ones with a dot, as {@code columns.data}; lists as JSON arrays), {@code partitions} and
 * {@code max_row_bytes}.
 *
 * @param given the options that are recipe keys
 * @param modelConfig the path of the model's config.json; null for none
 * @param partitions 0: as many as the job would use
 * @param maxRowBytes rows with more bytes are cut along tokens
 */
record SourceOptions(
        List<String> paths,
        List<RecipeKey> given,
        CaptureOptions capture,
        @Nullable String modelConfig,
        int partitions,
        long maxRowBytes) {
    private static final long DEFAULT_ROW_BYTES = 64L << 20;

    /** Below the maximum length of a Java array. */
    private static final long MAX_ROW_BYTES = 1L << 30;

    private static final int MAX_PARTITIONS = 1_000_000;
    private static final String PATH = "path";
    private static final String PATHS = "paths";
    private static final String PARTITIONS = "partitions";
    private static final String ROW_BYTES = "max_row_bytes";

    private static final Vocabulary OWN = Vocabulary.of(Stream.concat(
            Arrays.stream(RecipeKey.values())
                    .filter(key -> key.scope().isSourceOption())
                    .map(RecipeKey::path),
            Stream.of(PATH, PATHS, PARTITIONS, ROW_BYTES)));

    private static final Vocabulary KEYS =
            OWN.and(Vocabulary.of(Arrays.stream(RecipeKey.values()).map(RecipeKey::path)));

    /** Options that are not the user's: Hive's metastore adds this one to every table. */
    private static final Set<String> OF_CATALOGS = Set.of("serialization.format");

    /** The property of a table in Spark's catalog that says which data source reads it. */
    private static final String PROVIDER = "provider";

    /** Spark repeats the options of a table in the catalog under this prefix, beside the other properties of the table. */
    private static final String OPTION = "option.";

    /** Whether these are the properties of a table in Spark's catalog, and not only options. */
    static boolean isCatalogTable(Map<String, String> properties) {
        String provider = properties.getOrDefault(PROVIDER, "");
        return provider.equalsIgnoreCase(KvTensorsSource.NAME) || provider.equals(KvTensorsSource.class.getName());
    }

    /** The options among the properties of a table: without owner, comment, TBLPROPERTIES and what else Spark adds. */
    static Map<String, String> among(Map<String, String> properties) {
        Map<String, String> options = new TreeMap<>(properties);
        if (isCatalogTable(properties)) {
            options.keySet()
                    .removeIf(key ->
                            !KEYS.contains(key.toLowerCase(Locale.ROOT)) && !properties.containsKey(OPTION + key));
        }
        return options;
    }

    /** @throws InvalidOptionException for a bad value, an unknown key or a key that is not about reading captures */
    static SourceOptions of(Map<String, String> given) {
        Map<String, String> options = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        options.putAll(given);
        options.keySet().forEach(SourceOptions::checkKey);
        KeyValues values = new OptionValues(options);
        return new SourceOptions(
                paths(options),
                Arrays.stream(RecipeKey.values())
                        .filter(key -> options.containsKey(key.path()))
                        .toList(),
                CaptureKeys.read(values),
                values.text(RecipeKey.MODEL_CONFIG),
                (int) number(options, PARTITIONS, 0, MAX_PARTITIONS),
                number(options, ROW_BYTES, DEFAULT_ROW_BYTES, MAX_ROW_BYTES));
    }

    /**
     * These options with what the model's config.json says, if one is named.
     *
     * @throws io.kvscale.tensor.InvalidDataException if it cannot be read
     * @throws InvalidOptionException if an option contradicts it
     */
    SourceOptions withModel(Configuration configuration) {
        return modelConfig == null
                ? this
                : new SourceOptions(
                        paths,
                        given,
                        capture.withModel(ModelConfigFile.read(modelConfig, configuration)),
                        modelConfig,
                        partitions,
                        maxRowBytes);
    }

    /** @throws InvalidOptionException for an option that concerns no file of the listing */
    void check(CaptureListing listing) {
        List<Input> present = new ArrayList<>();
        if (listing.mayHoldTensors()) {
            present.add(Input.TENSORS);
        }
        if (listing.mayHoldTables()) {
            present.add(Input.TABLES);
        }
        for (RecipeKey key : given) {
            if (!key.scope().concerns(present)) {
                throw new InvalidOptionException(
                        "option " + key.path() + " has no effect: "
                                + (present.contains(Input.TABLES)
                                        ? "it concerns named tensors, and all files are tables"
                                        : "it concerns tables, and all files hold named tensors"),
                        "remove the option, or check the path");
            }
        }
    }

    private static void checkKey(String key) {
        String path = key.toLowerCase(Locale.ROOT);
        List<RecipeKey> meant = Arrays.stream(RecipeKey.values())
                .filter(known -> known.path().equals(path) || known.parent().equals(path))
                .toList();
        if (meant.isEmpty() && KvCacheScheme.keys().contains(path)) {
            throw new InvalidOptionException(
                    "option " + path + " is a key of kv_cache_scheme and does not concern how captures are read",
                    "pass the scheme to kv_scales");
        } else if (meant.isEmpty()) {
            checkKnown(key);
        } else if (meant.stream().noneMatch(known -> known.scope().isSourceOption())) {
            throw new InvalidOptionException(
                    "option " + path + " does not concern how captures are read",
                    switch (meant.get(0).scope()) {
                        case TEXT -> "write it in the recipe of kvscale calibrate --model";
                        case STATISTICS -> "pass 'histogram' as the last argument of kv_stats_agg";
                        default -> "write it in the recipe of kvscale scales";
                    });
        } else if (meant.get(0).parent().equals(path)) {
            throw new InvalidOptionException(
                    "option " + path + " is a mapping in a recipe",
                    "give each of its keys as an option of its own, such as "
                            + meant.get(0).path());
        }
    }

    private static void checkKnown(String key) {
        String lower = key.toLowerCase(Locale.ROOT);
        if (!KEYS.contains(lower) && !OF_CATALOGS.contains(lower)) {
            throw new InvalidOptionException(
                    "unknown option '" + DataProblem.shown(key) + "'",
                    KEYS.hint(key, "known are " + String.join(", ", OWN.words())));
        }
    }

    private static List<String> paths(Map<String, String> options) {
        String one = options.get(PATH);
        String several = options.get(PATHS);
        if (one == null && several == null) {
            throw new InvalidOptionException(
                    "no path is given", "use load(PATH), or OPTIONS (path 'PATH'): a folder, a file or a glob");
        }
        return one != null ? List.of(one) : strings(PATHS, several);
    }

    private static List<String> strings(String key, @Nullable String json) {
        try {
            return Arrays.asList(Json.MAPPER.readValue(String.valueOf(json), String[].class));
        } catch (JsonProcessingException e) {
            throw new InvalidOptionException(
                    "option " + key + " is not a list of texts",
                    "write it as a JSON array: [\"a\", \"b\"], also for a single pattern that starts with a bracket");
        }
    }

    private static long number(Map<String, String> options, String key, long byDefault, long most) {
        String value = options.get(key);
        if (value == null) {
            return byDefault;
        }
        if (value.matches("[1-9]\\d{0,17}") && Long.parseLong(value) <= most) {
            return Long.parseLong(value);
        }
        throw new InvalidOptionException(
                "option " + key + " must be a whole number from 1 to " + most + ", got '" + DataProblem.shown(value)
                        + "'",
                "write digits, or remove the option");
    }

    /** Options as values of recipe keys: their text becomes what YAML would give. */
    private record OptionValues(Map<String, String> options) implements KeyValues {
        @Override
        public @Nullable Object get(RecipeKey key) {
            String value = options.get(key.path());
            if (value == null) {
                return null;
            }
            return switch (key.type().kind()) {
                case FLAG ->
                    value.equalsIgnoreCase("true") || value.equalsIgnoreCase("false") ? Boolean.valueOf(value) : value;
                case NUMBER -> value.matches("\\d{1,18}") ? Long.valueOf(value) : value;
                // A text that starts as a list and is none would silently mean a regular expression.
                case TEXTS -> value.startsWith("[") ? strings(key.path(), value) : value;
                case WORD ->
                    key.type().vocabulary().words().stream()
                            .filter(value::equalsIgnoreCase)
                            .findFirst()
                            .orElse(value);
                default -> value;
            };
        }

        @Override
        public InvalidOptionException error(@Nullable RecipeKey key, String what, String remedy) {
            if (key == null) {
                return new InvalidOptionException(what, remedy);
            }
            boolean named = what.startsWith(key.path() + " ");
            return new InvalidOptionException("option " + (named ? what : key.path() + ": " + what), remedy);
        }
    }
}
