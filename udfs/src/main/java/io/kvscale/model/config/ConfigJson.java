package io.kvscale.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * Reads typed values of a config.json as transformers does: a key that is missing has the default of the model type, and
 * a key that is null has no value. Model families have several names for some numbers; these must not differ.
 */
record ConfigJson(JsonNode node, String name, ModelType type) {

    /** The value of a key, or its default; missing if there is none. */
    JsonNode value(String key) {
        return node.has(key) ? node.get(key) : type.byDefault(key);
    }

    /** The one of several names of a value that the file uses; else the first, which the defaults have. */
    String key(String... names) {
        List<String> used = Arrays.stream(names).filter(this::has).toList();
        for (String other : used) {
            if (!node.get(other).equals(node.get(used.get(0)))) {
                throw bad("config.json contradicts itself: " + said(used.get(0)) + ", " + said(other));
            }
        }
        return used.isEmpty()
                ? Arrays.stream(names).filter(node::has).findFirst().orElse(names[0])
                : used.get(0);
    }

    private String said(String key) {
        return key + " is " + DataProblem.shown(node.path(key).toString());
    }

    /** An integer within 1..most. */
    int required(int most, String... keys) {
        String key = key(keys);
        if (value(key).isMissingNode()) {
            throw bad("config.json has no " + keys[0]);
        }
        return atLeastOne(value(key), key, most);
    }

    /** An integer within 1..most; 0 if the file has none. */
    int optional(int most, String... keys) {
        String key = key(keys);
        return isNone(value(key)) ? 0 : atLeastOne(value(key), key, most);
    }

    /** An integer within 0..most; 0 if the file has none, which is also what it means there. */
    int number(int most, String... keys) {
        String key = key(keys);
        return isNone(value(key)) ? 0 : integer(value(key), key, most);
    }

    int integer(JsonNode value, String key, int most) {
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0 || value.intValue() > most) {
            throw unexpected(value, key, "an integer within 1.." + most);
        }
        return value.intValue();
    }

    int atLeastOne(JsonNode value, String key, int most) {
        int number = integer(value, key, most);
        if (number == 0) {
            throw unexpected(value, key, "an integer within 1.." + most);
        }
        return number;
    }

    boolean flag(String key, boolean otherwise) {
        JsonNode value = value(key);
        if (isNone(value)) {
            return otherwise;
        } else if (!value.isBoolean()) {
            throw unexpected(value, key, "true or false");
        }
        return value.booleanValue();
    }

    /** A string; empty if the file has none. */
    String text(String key) {
        JsonNode value = value(key);
        if (!isNone(value) && !value.isTextual()) {
            throw unexpected(value, key, "a string");
        }
        return value.asText("");
    }

    /** A JSON object inside this one; empty if there is none. It has no defaults. */
    ConfigJson object(String key) {
        JsonNode value = node.path(key);
        if (!isNone(value) && !value.isObject()) {
            throw unexpected(value, key, "a JSON object");
        }
        return new ConfigJson(value, name, ModelType.UNKNOWN);
    }

    Stream<String> keys() {
        return StreamSupport.stream(((Iterable<String>) node::fieldNames).spliterator(), false);
    }

    boolean has(String key) {
        return node.hasNonNull(key);
    }

    /** A fraction within (0, 1]; 0 if the file has none. */
    double fraction(String key) {
        JsonNode value = value(key);
        if (isNone(value)) {
            return 0;
        }
        double fraction = value.asDouble(-1);
        if (!value.isNumber() || !(fraction > 0 && fraction <= 1)) {
            throw unexpected(value, key, "a number above 0 and at most 1");
        }
        return fraction;
    }

    /** A list; null if the file has none. */
    @Nullable
    List<JsonNode> list(String key) {
        JsonNode value = value(key);
        if (isNone(value)) {
            return null;
        } else if (!value.isArray()) {
            throw unexpected(value, key, "a list");
        }
        List<JsonNode> entries = new ArrayList<>();
        value.forEach(entries::add);
        return entries;
    }

    /** A list with one entry for each layer; null if the file has none. */
    @Nullable
    List<JsonNode> perLayer(int layers, String... keys) {
        String key = key(keys);
        List<JsonNode> entries = list(key);
        if (entries != null && entries.size() != layers) {
            throw bad(
                    "config.json: " + key + " has " + entries.size() + " entries, but there are " + layers + " layers");
        }
        return entries;
    }

    private static boolean isNone(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }

    InvalidDataException unexpected(JsonNode value, String key, String expected) {
        return bad("config.json: " + key + " is " + DataProblem.shown(value.toString()) + ", expected " + expected);
    }

    InvalidDataException bad(String what) {
        return new InvalidDataException(problem(what, name));
    }

    static DataProblem problem(String what, String name) {
        DataProblem problem = DataProblem.of(
                what,
                "take config.json from the model's Hugging Face folder; AutoConfig.to_json_file(path, use_diff=False) writes"
                        + " all of its keys");
        return name.isEmpty() ? problem : problem.inFile(name);
    }
}
