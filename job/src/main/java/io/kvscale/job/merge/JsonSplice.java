package io.kvscale.job.merge;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import io.kvscale.job.target.JsonEdit;
import io.kvscale.json.Json;
import io.kvscale.json.JsonProblem;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Sets entries of an object in a JSON text. Every other character of the text stays: the order of keys, and numbers such as
 * {@code 1e-05} as they are written.
 */
final class JsonSplice {
    /** Python writes Infinity and NaN. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private static final String REMEDY = "take the file from the model's Hugging Face folder";

    private final String text;
    private final Map<String, ? extends @Nullable Object> entries;
    /** The values to replace, by key: their first character and the one after the last. */
    private final Map<String, int[]> found = new LinkedHashMap<>();

    private boolean empty = true;

    private JsonSplice(String text, Map<String, ? extends @Nullable Object> entries) {
        this.text = text;
        this.entries = entries;
    }

    /**
     * The text after an edit.
     *
     * @throws InvalidDataException if the text is not a JSON object, or has a key twice on the way to an entry; it names no
     *     file
     */
    static String apply(String text, JsonEdit edit) {
        try (JsonParser json = JSON.createParser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new InvalidDataException("this is not a JSON object", REMEDY);
            }
            return new JsonSplice(text, edit.entries()).in(json, edit.object(), 0);
        } catch (IOException e) {
            throw new InvalidDataException("this is not JSON: " + JsonProblem.whatAndWhere(e), REMEDY, e);
        }
    }

    /** Edits the object that the parser has entered, {@code depth} keys below the top. */
    private String in(JsonParser json, List<String> path, int depth) throws IOException {
        if (depth == path.size()) {
            return set(json, depth);
        }
        String key = path.get(depth);
        int[] value = spans(json, Map.of(key, "")).get(key);
        int end = end(json);
        if (value == null || text.startsWith("null", value[0])) {
            Map<String, @Nullable Object> made = new LinkedHashMap<>(entries);
            for (int i = path.size() - 1; i > depth; i--) {
                made = new LinkedHashMap<>(Map.of(path.get(i), made));
            }
            return value == null
                    ? inserted(end, depth, List.of(member(key, made, depth)))
                    : replaced(value, literal(made, depth + 1));
        }
        try (JsonParser inner = JSON.createParser(text.substring(value[0], value[1]))) {
            if (inner.nextToken() != JsonToken.START_OBJECT) {
                throw new InvalidDataException("'" + DataProblem.shown(key) + "' is not a JSON object", REMEDY);
            }
            String edited = new JsonSplice(text.substring(value[0], value[1]), entries).in(inner, path, depth + 1);
            return replaced(value, edited);
        }
    }

    private String set(JsonParser json, int depth) throws IOException {
        Map<String, int[]> values = spans(json, entries);
        int end = end(json);
        List<String> added = new ArrayList<>();
        StringBuilder result = new StringBuilder();
        entries.forEach((key, value) -> {
            if (!values.containsKey(key)) {
                added.add(member(key, value, depth));
            }
        });
        result.append(added.isEmpty() ? text : inserted(end, depth, added));
        // Values are replaced from the last to the first, so that earlier positions stay.
        List<Map.Entry<String, int[]>> order = new ArrayList<>(values.entrySet());
        for (int i = order.size() - 1; i >= 0; i--) {
            int[] span = order.get(i).getValue();
            result.replace(span[0], span[1], literal(entries.get(order.get(i).getKey()), depth + 1));
        }
        return result.toString();
    }

    /** The values of these keys in the object, in the order of the text; reads to its end. */
    private Map<String, int[]> spans(JsonParser json, Map<String, ? extends @Nullable Object> keys) throws IOException {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            empty = false;
            String key = json.currentName();
            json.nextToken();
            int start = (int) json.currentTokenLocation().getCharOffset();
            json.skipChildren();
            json.finishToken();
            int[] span = {start, (int) json.currentLocation().getCharOffset()};
            if (keys.containsKey(key) && found.put(key, span) != null) {
                throw new InvalidDataException("the key '" + DataProblem.shown(key) + "' is there twice", REMEDY);
            }
        }
        return found;
    }

    private static int end(JsonParser json) {
        return (int) json.currentTokenLocation().getCharOffset();
    }

    private String replaced(int[] span, String by) {
        return text.substring(0, span[0]) + by + text.substring(span[1]);
    }

    /** The text with members before the brace at {@code end}. */
    private String inserted(int end, int depth, List<String> members) {
        String before = text.substring(0, end).stripTrailing();
        String line = "\n" + "  ".repeat(depth + 1);
        return before + (empty ? "" : ",") + line + String.join("," + line, members) + "\n" + "  ".repeat(depth)
                + text.substring(end);
    }

    private static String member(String key, @Nullable Object value, int depth) {
        return literal(key, depth) + ": " + literal(value, depth + 1);
    }

    /** A value with its inner lines indented by {@code depth} levels. */
    private static String literal(@Nullable Object value, int depth) {
        try {
            return Json.indented().writeValueAsString(value).replace("\n", "\n" + "  ".repeat(depth));
        } catch (IOException e) {
            throw new IllegalStateException("not plain maps, lists and values", e);
        }
    }
}
