package io.kvscale.scheme.table;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SchemeFields;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads the fields of one object of {@code kv_scales.json}. Errors name the object and the field.
 *
 * @param place the object in messages, such as {@code "layer 0 key: "}
 */
record TableFields(String place) {
    private static final TypeReference<Map<String, Object>> FIELDS = new TypeReference<>() {};

    /** @throws InvalidDataException if an object has another field: a misspelled one would be left out without a word */
    void onlyKnown(JsonNode node, Set<String> known) {
        for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!known.contains(name)) {
                throw problem(
                        "unknown field '" + DataProblem.shown(name) + "', expected some of " + new TreeSet<>(known));
            }
        }
    }

    JsonNode need(JsonNode node, String field) {
        JsonNode found = node.get(field);
        if (found == null) {
            throw problem("'" + field + "' is missing in " + DataProblem.shown(node.toString()));
        }
        return found;
    }

    int whole(JsonNode node, String field) {
        JsonNode number = need(node, field);
        if (!number.isInt()) {
            throw wrong(field, number, "a whole number");
        }
        return number.asInt();
    }

    /** A count; 0 if the field is absent. */
    long count(JsonNode node, String field) {
        JsonNode number = node.path(field);
        if (number.isMissingNode()) {
            return 0;
        }
        if (!number.isIntegralNumber() || !number.canConvertToLong() || number.asLong() < 0) {
            throw wrong(field, number, "a whole number from 0 to " + Long.MAX_VALUE);
        }
        return number.asLong();
    }

    /** A text; null if the field is absent or null. */
    @Nullable
    String text(JsonNode node, String field) {
        JsonNode text = node.path(field);
        if (text.isMissingNode() || text.isNull()) {
            return null;
        }
        if (!text.isTextual()) {
            throw wrong(field, text, "text");
        }
        return text.asText();
    }

    /** A finite number. It is parsed once from its decimal, so that 15 digits are not rounded twice. */
    float finite(JsonNode number, String field) {
        float value = number.isNumber() ? Float.parseFloat(number.asText()) : Float.NaN;
        if (!(Math.abs(value) < Float.POSITIVE_INFINITY)) {
            throw wrong(field, number, "a finite number");
        }
        return value;
    }

    double finiteDouble(JsonNode number, String field) {
        double value = number.isNumber() ? number.asDouble() : Double.NaN;
        if (!(Math.abs(value) < Double.POSITIVE_INFINITY)) {
            throw wrong(field, number, "a finite number");
        }
        return value;
    }

    QuantizationScheme scheme(JsonNode node) {
        if (!node.isObject()) {
            throw problem("a scheme is missing, or not an object");
        }
        QuantizationScheme scheme;
        try {
            // A recipe may have keys and values without effect, a table has none.
            scheme = KvCacheScheme.parse(Json.MAPPER.convertValue(node, FIELDS), key -> {
                throw wrong("scheme." + key, node.path(key), "a value that kvscale writes");
            });
        } catch (InvalidSchemeException e) {
            throw problem("scheme." + e.key() + ": " + DataProblem.shown(e.what() + "; " + e.remedy()));
        }
        if (scheme.globalScale() != null && !node.hasNonNull(SchemeFields.GLOBAL_SCALE)) {
            // A recipe has a default. A scale without its convention is ambiguous.
            throw problem("a scheme with strategy tensor_group does not say its global_scale: one of "
                    + String.join(", ", GlobalScale.words()));
        }
        return scheme;
    }

    InvalidDataException wrong(String field, JsonNode found, String expected) {
        return problem("'" + field + "' is " + DataProblem.shown(found.toString()) + ", expected " + expected);
    }

    InvalidDataException problem(String what) {
        return new InvalidDataException(DataProblem.of(
                "damaged scale table: " + place + what, "take an undamaged copy, or derive the scales again"));
    }
}
