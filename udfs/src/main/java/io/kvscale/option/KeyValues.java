package io.kvscale.option;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.scheme.Given;
import io.kvscale.scheme.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Values given for recipe keys, with typed access. A null value counts as not given. */
public interface KeyValues {
    /** The value as YAML gives it; null if none is given. */
    @Nullable
    Object get(RecipeKey key);

    /** The exception to throw for a bad value; {@code key} is null if several keys contradict each other. */
    RuntimeException error(@Nullable RecipeKey key, String what, String remedy);

    default boolean flag(RecipeKey key, boolean byDefault) {
        Object value = get(key);
        if (value == null || value instanceof Boolean) {
            return value == null ? byDefault : (Boolean) value;
        }
        throw wrongType(key, value, "write true or false without quotes");
    }

    default long number(RecipeKey key, long byDefault) {
        Object value = get(key);
        if (value == null) {
            return byDefault;
        }
        if (value instanceof Integer || value instanceof Long) {
            long number = ((Number) value).longValue();
            if (number >= key.type().least() && number <= key.type().most()) {
                return number;
            }
        }
        throw wrongType(key, value, numeric(key));
    }

    default double decimal(RecipeKey key, double byDefault) {
        Object value = get(key);
        if (value == null) {
            return byDefault;
        }
        if (value instanceof Integer || value instanceof Long || value instanceof Double) {
            double number = ((Number) value).doubleValue();
            if (number >= key.type().least() && number <= key.type().most()) {
                return number;
            }
        }
        throw wrongType(key, value, numeric(key));
    }

    default @Nullable String text(RecipeKey key) {
        Object value = get(key);
        if (value == null || value instanceof String) {
            return (String) value;
        }
        throw wrongType(key, value, "put quotes around it");
    }

    /** One of the key's words; null if none is given. */
    default @Nullable String word(RecipeKey key) {
        Object value = get(key);
        Vocabulary words = key.type().vocabulary();
        if (value == null || value instanceof String word && words.contains(word)) {
            return (String) value;
        }
        throw wrongType(key, value, words.hint(value instanceof String word ? word : "", "write one of these words"));
    }

    /** One or several of the key's words; empty if none is given. */
    default List<String> words(RecipeKey key) {
        Object value = get(key);
        Vocabulary words = key.type().vocabulary();
        List<String> given = new ArrayList<>();
        for (Object item : value instanceof List<?> list ? list : value == null ? List.of() : List.of(value)) {
            if (!(item instanceof String word && words.contains(word))) {
                throw wrongType(
                        key, item, words.hint(item instanceof String text ? text : "", "write one of these words"));
            }
            given.add(word);
        }
        return given;
    }

    /** The enum constant named by one of the key's words. */
    default <E extends Enum<E>> E constant(RecipeKey key, E byDefault) {
        String word = word(key);
        return word == null ? byDefault : Enum.valueOf(byDefault.getDeclaringClass(), word.toUpperCase(Locale.ROOT));
    }

    /** A text or the texts of a list. */
    default List<String> texts(RecipeKey key) {
        Object value = get(key);
        if (value == null) {
            return List.of();
        }
        List<String> texts = new ArrayList<>();
        for (Object item : value instanceof List<?> list ? list : List.of(value)) {
            if (!(item instanceof String text)) {
                throw wrongType(key, item, "put quotes around each text");
            }
            texts.add(text);
        }
        return texts;
    }

    /** Runs code that may refuse the value of this key, and turns its exception into {@link #error}. */
    default <T> T check(@Nullable RecipeKey key, Supplier<T> code) {
        try {
            return code.get();
        } catch (InvalidOptionException e) {
            throw error(key, e.what(), e.remedy());
        }
    }

    private static String numeric(RecipeKey key) {
        return "write " + key.type().shown() + ", without quotes or a unit, or remove the key";
    }

    private RuntimeException wrongType(RecipeKey key, @Nullable Object given, String remedy) {
        return error(key, key.path() + " must be " + key.type().shown() + ", got " + Given.shown(given), remedy);
    }
}
