package io.kvscale.scheme;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** {@code observer} and {@code observer_kwargs} of a {@code kv_cache_scheme}, read and written. */
final class ObserverFields {
    static final String OBSERVER = "observer";
    static final String KWARGS = "observer_kwargs";

    private static final String AVERAGING_CONSTANT = "averaging_constant";
    private static final String NORM = "norm";
    private static final String MAXSHRINK = "maxshrink";
    private static final String GRID = "grid";
    private static final String EXPAND = "expand";
    private static final String PATIENCE = "patience";
    private static final String PERCENTILE = "percentile";

    private static final String MEMORYLESS_MSE = "memoryless_mse";
    private static final Vocabulary OBSERVERS = Vocabulary.of(
            "static_minmax", "minmax", "memoryless_minmax", "mse", MEMORYLESS_MSE, "percentile", "entropy");
    private static final Vocabulary ALL =
            Vocabulary.of(AVERAGING_CONSTANT, NORM, MAXSHRINK, GRID, EXPAND, PATIENCE, PERCENTILE);

    private final Observer observer;
    private final Map<?, ?> kwargs;

    private ObserverFields(Observer observer, Map<?, ?> kwargs) {
        this.observer = observer;
        this.kwargs = kwargs;
    }

    static Observer observer(@Nullable Object given) {
        if (given == null) {
            return Observer.STATIC_MINMAX;
        }
        String word = given instanceof String text ? text.toLowerCase(Locale.ROOT) : "";
        if (!OBSERVERS.contains(word)) {
            throw new InvalidSchemeException(
                    OBSERVER,
                    "observer must be one of " + String.join(", ", OBSERVERS.words()) + ", got " + Given.shown(given),
                    "the nearest known one is '" + OBSERVERS.nearest(word) + "'");
        }
        return word.equals(MEMORYLESS_MSE) ? Observer.MSE : Observer.valueOf(word.toUpperCase(Locale.ROOT));
    }

    /** @param notActedOn told each key that the reference's observer of this name knows, and that changes nothing here */
    static ObserverKwargs kwargs(Observer observer, @Nullable Object given, Consumer<String> notActedOn) {
        if (given == null) {
            return ObserverKwargs.DEFAULT;
        }
        if (!(given instanceof Map<?, ?> kwargs)) {
            throw new InvalidSchemeException(
                    KWARGS,
                    "observer_kwargs must be a mapping, got " + Given.shown(given),
                    "write observer_kwargs: {averaging_constant: 0.01}, or remove it");
        }
        return new ObserverFields(observer, kwargs).read(notActedOn);
    }

    private ObserverKwargs read(Consumer<String> notActedOn) {
        SchemeFields.rejectUnknown(kwargs, ALL, KWARGS + ".");
        for (Object key : kwargs.keySet()) {
            String word = String.valueOf(key);
            if (!isTakenBy(observer, word)) {
                throw new InvalidSchemeException(
                        KWARGS + "." + word,
                        "observer " + observer.word() + " takes no " + word,
                        "remove it, or say observer: " + takerOf(word).word());
            }
        }
        return switch (observer) {
            case MINMAX ->
                ObserverKwargs.averaging(number(AVERAGING_CONSTANT, ObserverKwargs.DEFAULT.averagingConstant()));
            case MSE -> mse(notActedOn);
            case PERCENTILE -> ObserverKwargs.percentile(number(PERCENTILE, ObserverKwargs.DEFAULT.percentile()));
            case STATIC_MINMAX, MEMORYLESS_MINMAX, ENTROPY -> ObserverKwargs.DEFAULT;
        };
    }

    private ObserverKwargs mse(Consumer<String> notActedOn) {
        // The reference averages over batches and gives up early; here is one batch, and every candidate is tried.
        for (String key : new String[] {PATIENCE, AVERAGING_CONSTANT}) {
            if (kwargs.containsKey(key)) {
                number(key, 0);
                notActedOn.accept(KWARGS + "." + key);
            }
        }
        boolean onlyGrid = kwargs.containsKey(MAXSHRINK) || kwargs.containsKey(GRID) || kwargs.containsKey(EXPAND);
        ShrinkGrid grid = new ShrinkGrid(
                number(MAXSHRINK, ShrinkGrid.DEFAULT.maxshrink()),
                number(GRID, ShrinkGrid.DEFAULT.grid()),
                number(EXPAND, ShrinkGrid.DEFAULT.expand()));
        return ObserverKwargs.mse(number(NORM, ObserverKwargs.DEFAULT.norm()), onlyGrid ? grid : null);
    }

    private double number(String key, double byDefault) {
        if (!kwargs.containsKey(key)) {
            return byDefault;
        }
        Object given = kwargs.get(key);
        if (given instanceof Number number) {
            return number.doubleValue();
        }
        throw new InvalidSchemeException(
                KWARGS + "." + key,
                key + " must be a number, got " + Given.shown(given),
                "write it without quotes, or remove it");
    }

    private static boolean isTakenBy(Observer observer, String key) {
        return observer == takerOf(key) || (observer == Observer.MSE && key.equals(AVERAGING_CONSTANT));
    }

    private static Observer takerOf(String key) {
        return switch (key) {
            case AVERAGING_CONSTANT -> Observer.MINMAX;
            case PERCENTILE -> Observer.PERCENTILE;
            default -> Observer.MSE;
        };
    }

    /** The kwargs of a scheme's observer, in one order; empty where it takes none. */
    static Map<String, Object> write(QuantizationScheme scheme) {
        ObserverKwargs kwargs = scheme.kwargs();
        Map<String, Object> fields = new LinkedHashMap<>();
        switch (scheme.observer()) {
            case MINMAX -> fields.put(AVERAGING_CONSTANT, kwargs.averagingConstant());
            case MSE -> {
                fields.put(NORM, kwargs.norm());
                ShrinkGrid grid = kwargs.grid();
                if (grid != null) {
                    fields.put(MAXSHRINK, grid.maxshrink());
                    fields.put(GRID, grid.grid());
                    fields.put(EXPAND, grid.expand());
                }
            }
            case PERCENTILE -> fields.put(PERCENTILE, kwargs.percentile());
            case STATIC_MINMAX, MEMORYLESS_MINMAX, ENTROPY -> {}
        }
        return Collections.unmodifiableMap(fields);
    }
}
