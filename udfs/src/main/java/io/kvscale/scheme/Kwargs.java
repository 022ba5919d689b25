package io.kvscale.scheme;

import java.util.Map;
import java.util.function.Consumer;

/** {@code observer_kwargs} of a recipe, from which an observer takes its numbers. */
public final class Kwargs {
    private final Map<?, ?> given;
    private final Consumer<String> notActedOn;

    Kwargs(Map<?, ?> given, Consumer<String> notActedOn) {
        this.given = given;
        this.notActedOn = notActedOn;
    }

    public boolean contains(String key) {
        return given.containsKey(key);
    }

    /** @throws InvalidSchemeException if the value is no number */
    public double number(String key, double byDefault) {
        if (!given.containsKey(key)) {
            return byDefault;
        }
        Object value = given.get(key);
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw new InvalidSchemeException(
                Observers.KWARGS + "." + key,
                key + " must be a number, got " + Given.shown(value),
                "write it without quotes, or remove it");
    }

    /** Reports a key that llm-compressor acts on and kvscale does not. */
    public void ignore(String key) {
        if (given.containsKey(key)) {
            number(key, 0);
            notActedOn.accept(Observers.KWARGS + "." + key);
        }
    }

    /**
     * The error for a number out of bounds.
     *
     * @param expected the remedy, such as {@code a number within (0, 1]}
     */
    public static InvalidSchemeException outOfBounds(String key, double given, String expected) {
        return wrong(key, key + " " + given + " is out of bounds", "give " + expected);
    }

    /** The error for a value that cannot be meant. */
    public static InvalidSchemeException wrong(String key, String what, String remedy) {
        return new InvalidSchemeException(Observers.KWARGS + "." + key, what, remedy);
    }
}
