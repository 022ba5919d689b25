package io.kvscale.job.recipe;

import io.kvscale.scheme.Given;
import io.kvscale.scheme.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds the one {@code kv_cache_scheme} of a recipe, at any nesting of stages. Lists the ignored keys. */
final class SchemeFinder {
    static final String KVSCALE = "kvscale";
    static final String SCHEME = "kv_cache_scheme";
    static final String EXAMPLE =
            "write at least kv_cache_scheme: {num_bits: 8, type: float, strategy: tensor, symmetric: true}";

    /** Keys of llm-compressor that hold no modifiers; they are ignored. */
    private static final Set<String> PLAIN = Set.of("args", "run_type", "stage", "version", "metadata");

    private static final Vocabulary TOP = Vocabulary.of(SCHEME, KVSCALE, "quant_stage", "quant_modifiers", "modifiers")
            .and(Modifiers.NAMES);
    private static final Vocabulary STAGE =
            Vocabulary.of("quant_modifiers", "modifiers", "run_type", "args").and(Modifiers.NAMES);

    private final List<String> ignored = new ArrayList<>();
    private @Nullable Section found;
    private boolean inModifier;

    /** @throws RecipeException for an unknown key, or if there is not exactly one {@code kv_cache_scheme} */
    Section find(Section top) {
        container(top, true);
        if (found == null) {
            throw top.error("", "the recipe has no kv_cache_scheme", EXAMPLE);
        }
        return found;
    }

    /** The known keys that do not concern the KV cache. */
    List<String> ignored() {
        return ignored;
    }

    /** Whether the scheme belongs to a modifier, as in recipes for llm-compressor itself. */
    boolean isInModifier() {
        return inModifier;
    }

    private void container(Section section, boolean top) {
        section.values().forEach((key, value) -> {
            if (key.equals(SCHEME)) {
                scheme(section, value);
            } else if (key.equals(KVSCALE)) {
                if (!top) {
                    throw section.error(key, "kvscale is allowed only at the top level of a recipe", "move it there");
                }
            } else if (Modifiers.isMisspelt(key)) {
                throw section.unknown(key, Modifiers.NAMES);
            } else if (Modifiers.isModifier(key)) {
                modifier(key, section.section(key, value));
            } else if (isContainer(key)) {
                nested(section, key, value);
            } else if (PLAIN.contains(key)) {
                ignored.add(key);
            } else {
                throw section.unknown(key, top ? TOP : STAGE);
            }
        });
    }

    private static boolean isContainer(String key) {
        return key.equals("modifiers") || key.endsWith("_modifiers") || key.matches(".*_stage(_\\d+)?");
    }

    private void nested(Section section, String key, @Nullable Object value) {
        if (!(value instanceof List<?> items)) {
            container(section.section(key, value), false);
            return;
        }
        for (int i = 0; i < items.size(); i++) {
            Object item = items.get(i);
            String place = key + "[" + i + "]";
            if (!(item instanceof Map)) {
                throw section.error(
                        place,
                        "an item of " + key + " must be a mapping, got " + Given.shown(item),
                        "write - QuantizationModifier: {kv_cache_scheme: ...}");
            }
            container(section.section(place, item), false);
        }
    }

    private void modifier(String name, Section modifier) {
        Vocabulary known = Modifiers.keysOf(name);
        if (modifier.values().isEmpty()) {
            ignored.add(name);
        }
        modifier.values().forEach((key, value) -> {
            if (key.equals(SCHEME) && (known == null || known.contains(SCHEME))) {
                scheme(modifier, value);
                inModifier = true;
            } else if (known != null && !known.contains(key)) {
                throw modifier.unknown(key, known);
            } else if (known == null && Vocabulary.distance(key, SCHEME) <= 3) {
                throw modifier.unknown(key, Vocabulary.of(SCHEME));
            } else {
                ignored.add(name + "." + key);
            }
        });
    }

    private void scheme(Section parent, @Nullable Object value) {
        if (value == null) {
            return;
        }
        Section scheme = parent.section(SCHEME, value);
        if (found != null) {
            throw parent.error(
                    SCHEME,
                    "the recipe has a second kv_cache_scheme; the first is " + found.path(),
                    "keep one; if K and V differ, write kvscale: {key: {scheme: ...}, value: {scheme: ...}}");
        }
        found = scheme;
    }
}
