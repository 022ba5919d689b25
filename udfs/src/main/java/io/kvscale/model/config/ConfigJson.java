package io.kvscale.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads typed values of a config.json. The first of several keys that the file has counts. */
record ConfigJson(JsonNode node, String name, ModelType type) {
    /** An integer within 1..most. */
    int required(int most, String... keys) {
        for (String key : keys) {
            if (node.has(key) && (node.get(key).isNull() || integer(node.get(key), key, most) == 0)) {
                throw unexpected(node.get(key), key, most);
            }
        }
        int value = number(most, keys);
        if (value == 0) {
            throw bad("config.json has no " + keys[0]);
        }
        return value;
    }

    /** An integer within 0..most; 0 if the file has none, which is also what it means there. */
    int number(int most, String... keys) {
        for (String key : keys) {
            JsonNode value = node.path(key);
            if (!value.isMissingNode() && !value.isNull()) {
                return integer(value, key, most);
            }
        }
        return type.byDefault(keys[0]);
    }

    int integer(JsonNode value, String key, int most) {
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0 || value.intValue() > most) {
            throw unexpected(value, key, most);
        }
        return value.intValue();
    }

    private InvalidDataException unexpected(JsonNode value, String key, int most) {
        return bad("config.json: " + key + " is " + DataProblem.shown(value.toString())
                + ", expected an integer within 1.." + most);
    }

    boolean flag(String key, boolean byDefault) {
        JsonNode value = node.path(key);
        return value.isBoolean() ? value.booleanValue() : byDefault;
    }

    boolean has(String key) {
        return node.hasNonNull(key);
    }

    /** A fraction within (0, 1]; 0 if the file has none. */
    double fraction(JsonNode from, String key) {
        JsonNode value = from.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return 0;
        }
        double fraction = value.asDouble(-1);
        if (!value.isNumber() || !(fraction > 0 && fraction <= 1)) {
            throw bad("config.json: " + key + " is " + DataProblem.shown(value.toString())
                    + ", expected a number above 0 and at most 1");
        }
        return fraction;
    }

    /** A list with one entry for each layer; null if the file has none. */
    @Nullable
    List<JsonNode> perLayer(int layers, String... keys) {
        for (String key : keys) {
            JsonNode list = node.path(key);
            if (list.isArray()) {
                if (list.size() != layers) {
                    throw bad("config.json: " + key + " has " + list.size() + " entries, but there are " + layers
                            + " layers");
                }
                List<JsonNode> entries = new ArrayList<>();
                list.forEach(entries::add);
                return entries;
            }
        }
        return null;
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
