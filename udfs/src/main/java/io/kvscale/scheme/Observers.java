package io.kvscale.scheme;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** All observers, each with its default kwargs, in the order of the service file. */
public final class Observers {
    static final String OBSERVER = "observer";
    static final String KWARGS = "observer_kwargs";

    // The loader of this class: Spark loads jars of spark.jars with one that the thread's context may not know.
    private static final List<Observer> ALL =
            ServiceLoader.load(Observer.class, Observer.class.getClassLoader()).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList();

    private static final Vocabulary WORDS = Vocabulary.of(
            ALL.stream().flatMap(observer -> Stream.concat(Stream.of(observer.word()), observer.aliases().stream())));
    private static final Vocabulary KEYS = Vocabulary.of(ALL.stream().flatMap(observer -> observer.keys().stream()));
    private static final Observer DEFAULT = named("static_minmax");

    private Observers() {}

    public static List<Observer> all() {
        return ALL;
    }

    /** {@code static_minmax}. */
    public static Observer byDefault() {
        return DEFAULT;
    }

    /**
     * The observer with a recipe's word in any case.
     *
     * @throws InvalidSchemeException for an unknown word
     */
    public static Observer named(Object given) {
        String word = given instanceof String text ? text.toLowerCase(Locale.ROOT) : "";
        return ALL.stream()
                .filter(observer ->
                        observer.word().equals(word) || observer.aliases().contains(word))
                .findFirst()
                .orElseThrow(() -> new InvalidSchemeException(
                        OBSERVER,
                        "observer must be one of " + String.join(", ", WORDS.words()) + ", got " + Given.shown(given),
                        WORDS.hint(word, "write one of these words")));
    }

    /**
     * The observer of a mapping.
     *
     * @param given the value of {@code observer}, or null
     * @param kwargs the value of {@code observer_kwargs}, or null
     * @param notActedOn receives each key that is valid but has no effect
     */
    static Observer read(@Nullable Object given, @Nullable Object kwargs, Consumer<String> notActedOn) {
        Observer observer = given == null ? DEFAULT : named(given);
        if (kwargs == null) {
            return observer;
        }
        if (!(kwargs instanceof Map<?, ?> map)) {
            throw new InvalidSchemeException(
                    KWARGS,
                    "observer_kwargs must be a mapping, got " + Given.shown(kwargs),
                    "write observer_kwargs: {averaging_constant: 0.01}, or remove it");
        }
        SchemeFields.rejectUnknown(map, KEYS, KWARGS + ".");
        for (Object key : map.keySet()) {
            if (!observer.keys().contains(key)) {
                Observer taker = ALL.stream()
                        .filter(other -> other.keys().contains(key))
                        .findFirst()
                        .orElseThrow();
                throw new InvalidSchemeException(
                        KWARGS + "." + key,
                        "observer " + observer.word() + " takes no " + key,
                        "remove it, or say observer: " + taker.word());
            }
        }
        return observer.with(new Kwargs(map, notActedOn));
    }
}
