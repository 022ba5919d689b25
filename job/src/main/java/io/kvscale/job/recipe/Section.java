package io.kvscale.job.recipe;

import io.kvscale.scheme.Given;
import io.kvscale.scheme.Vocabulary;
import io.kvscale.tensor.DataProblem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One mapping of a recipe and the path to it: typed access, with errors that say where. A null counts as not given. */
final class Section {
    private final String source;
    private final String path;
    private final Map<String, Object> values;

    private Section(String source, String path, Map<String, Object> values) {
        this.source = source;
        this.path = path;
        this.values = values;
    }

    /** @param path empty at the top */
    static Section of(String source, String path, Map<?, ?> map) {
        Map<String, Object> values = new LinkedHashMap<>();
        map.forEach((key, value) -> {
            if (!(key instanceof String word)) {
                throw RecipeException.of(
                        source, path, "a key must be text, got " + Given.shown(key), "put quotes around it");
            }
            values.put(word, value);
        });
        return new Section(source, path, values);
    }

    Map<String, Object> values() {
        return values;
    }

    String path() {
        return path;
    }

    /** The path of a key, from the top. Keys are shortened: they may be of any length. */
    String pathOf(String key) {
        String shown = DataProblem.shown(key);
        return path.isEmpty() ? shown : key.isEmpty() ? path : path + "." + shown;
    }

    @Nullable
    Object get(String key) {
        return values.get(key);
    }

    void rejectUnknown(Vocabulary known) {
        for (String key : values.keySet()) {
            if (!known.contains(key)) {
                throw unknown(key, known);
            }
        }
    }

    RecipeException unknown(String key, Vocabulary known) {
        String other = TextKeys.remedy(key);
        return error(key, "unknown key " + Given.shown(key), other == null ? known.remedy(key) : other);
    }

    RecipeException error(String key, String what, String remedy) {
        return RecipeException.of(source, pathOf(key), what, remedy);
    }

    private RecipeException wrongType(String key, String expected, @Nullable Object given, String remedy) {
        return error(key, key + " must be " + expected + ", got " + Given.shown(given), remedy);
    }

    /** The mapping at a key, empty where there is none. */
    Section section(String key) {
        return section(key, get(key));
    }

    /** A mapping found at or below a key. */
    Section section(String key, @Nullable Object value) {
        if (value == null) {
            return new Section(source, pathOf(key), Map.of());
        }
        if (value instanceof Map<?, ?> map) {
            return of(source, pathOf(key), map);
        }
        throw wrongType(key, "a mapping", value, "write its keys below it, indented, or remove it");
    }

    /** The mappings in a list, each with its place; empty where there is none. */
    List<Section> sections(String key) {
        Object value = get(key);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> items)) {
            throw wrongType(key, "a list", value, "put - before each of its mappings");
        }
        List<Section> sections = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            String place = key + "[" + i + "]";
            if (!(items.get(i) instanceof Map)) {
                throw wrongType(place, "a mapping", items.get(i), "write its keys below it, indented");
            }
            sections.add(section(place, items.get(i)));
        }
        return sections;
    }

    boolean flag(String key) {
        return flag(key, false);
    }

    boolean flag(String key, boolean otherwise) {
        Object value = get(key);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw wrongType(key, "true or false", value, "write it without quotes");
    }

    /** A count, or 0 where none is given. */
    int wholeNumber(String key, int most) {
        Object value = get(key);
        if (value == null) {
            return 0;
        }
        if (value instanceof Integer number && number >= 1 && number <= most) {
            return number;
        }
        boolean large = value instanceof Integer number && number > most;
        throw wrongType(
                key,
                "a whole number of at least 1" + (large ? " and at most " + most : ""),
                value,
                "write digits without quotes, or remove the key");
    }

    /** A whole number within limits. */
    long number(String key, long otherwise, long least, long most) {
        Object value = get(key);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Integer || value instanceof Long) {
            long number = ((Number) value).longValue();
            if (number >= least && number <= most) {
                return number;
            }
        }
        throw wrongType(
                key,
                "a whole number of at least " + least + " and at most " + most,
                value,
                "write digits without quotes, or remove the key");
    }

    @Nullable
    String text(String key) {
        Object value = get(key);
        if (value == null || value instanceof String) {
            return (String) value;
        }
        throw wrongType(key, "text", value, "put quotes around it");
    }

    /** One of the words of a vocabulary, or null where none is given. */
    @Nullable
    String word(String key, Vocabulary known) {
        Object value = get(key);
        if (value == null || value instanceof String word && known.contains(word)) {
            return (String) value;
        }
        String given = value instanceof String word ? word : "";
        throw wrongType(
                key,
                "one of " + String.join(", ", known.words()),
                value,
                "the nearest known one is '" + known.nearest(given) + "'");
    }

    /** One text or a list of texts. */
    List<String> texts(String key) {
        Object value = get(key);
        if (value == null) {
            return List.of();
        }
        List<?> items = value instanceof List<?> list ? list : List.of(value);
        List<String> texts = new ArrayList<>();
        for (Object item : items) {
            if (!(item instanceof String text)) {
                throw wrongType(key, "text or a list of texts", item, "put quotes around each of them");
            }
            texts.add(text);
        }
        return texts;
    }
}
