package io.kvscale.job.recipe;

import io.kvscale.option.KeyValues;
import io.kvscale.option.RecipeKey;
import io.kvscale.scheme.Given;
import io.kvscale.scheme.Vocabulary;
import io.kvscale.tensor.DataProblem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One mapping of a recipe with its path. Errors name the path. A null value counts as not given. */
final class Section implements KeyValues {
    private final String source;
    private final String path;
    private final String parent;
    private final Map<String, Object> values;

    private Section(String source, String path, String parent, Map<String, Object> values) {
        this.source = source;
        this.path = path;
        this.parent = parent;
        this.values = values;
    }

    /**
     * A whole recipe.
     *
     * @param source its name
     */
    static Section of(String source, Map<?, ?> map) {
        return of(source, "", "", map);
    }

    /**
     * @param path the path of the mapping; empty for the whole recipe
     * @param parent the {@link RecipeKey#parent} of the keys that the mapping holds
     */
    private static Section of(String source, String path, String parent, Map<?, ?> map) {
        Map<String, Object> values = new LinkedHashMap<>();
        map.forEach((key, value) -> {
            if (!(key instanceof String word)) {
                throw RecipeException.of(
                        source, path, "a key must be text, got " + Given.shown(key), "put quotes around it");
            }
            values.put(word, value);
        });
        return new Section(source, path, parent, values);
    }

    Map<String, Object> values() {
        return values;
    }

    String path() {
        return path;
    }

    /** The path of a key in the recipe. The key is shortened, because it may have any length. */
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
        String other = otherPlace(key);
        return error(key, "unknown key " + Given.shown(key), other == null ? known.remedy(key) : other);
    }

    /** What to write instead of a key that is known elsewhere, or known to llm-compressor; null for other keys. */
    private @Nullable String otherPlace(String key) {
        return switch (key) {
            case "text_column" -> "under kvscale, write fields: {text: NAME} for a column with another name";
            case "shuffle_calibration_samples" -> "write shuffle under kvscale";
            default ->
                !path.startsWith(SchemeFinder.KVSCALE) && RecipeKey.under("").contains(key)
                        ? "write it under kvscale"
                        : null;
        };
    }

    RecipeException error(String key, String what, String remedy) {
        return RecipeException.of(source, pathOf(key), what, remedy);
    }

    @Override
    public @Nullable Object get(RecipeKey key) {
        return holder(key).values.get(key.leaf());
    }

    @Override
    public RecipeException error(@Nullable RecipeKey key, String what, String remedy) {
        return key == null ? error("", what, remedy) : holder(key).error(key.leaf(), what, remedy);
    }

    /** The mapping that holds a key: this one, or one directly below it. */
    private Section holder(RecipeKey key) {
        return key.parent().equals(parent) ? this : section(key.parent());
    }

    /** This mapping, where the value of a parent that is no mapping stands for one of its keys, as {@code keys: before_rope}. */
    Section expanded(RecipeKey key) {
        Object value = get(key.parent());
        if (value == null || value instanceof Map<?, ?>) {
            return this;
        }
        Map<String, Object> expanded = new LinkedHashMap<>(values);
        expanded.put(key.parent(), Map.of(key.leaf(), value));
        return new Section(source, path, parent, expanded);
    }

    /** The mapping at a key; empty if there is none. */
    Section section(String key) {
        return section(key, get(key));
    }

    /** The mapping that is the value of a key. */
    Section section(String key, @Nullable Object value) {
        if (value == null || value instanceof Map<?, ?>) {
            // The keys under kvscale: itself have no parent.
            return of(source, pathOf(key), path.isEmpty() ? "" : key, value == null ? Map.of() : (Map<?, ?>) value);
        }
        throw error(
                key,
                key + " must be a mapping, got " + Given.shown(value),
                "write its keys below it, indented, or remove it");
    }

    /** The mappings in the list at a key; empty if there is none. */
    List<Section> sections(String key) {
        Object value = get(key);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> items)) {
            throw error(key, key + " must be a list, got " + Given.shown(value), "put - before each of its mappings");
        }
        List<Section> sections = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            String place = key + "[" + i + "]";
            if (!(items.get(i) instanceof Map<?, ?> map)) {
                throw error(
                        place,
                        place + " must be a mapping, got " + Given.shown(items.get(i)),
                        "write its keys below it, indented");
            }
            sections.add(of(source, pathOf(place), key, map));
        }
        return sections;
    }
}
