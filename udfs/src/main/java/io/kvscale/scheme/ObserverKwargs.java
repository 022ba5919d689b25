package io.kvscale.scheme;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * {@code observer_kwargs}: what an observer can be told. Whatever the observer of a scheme does not use is at its default.
 *
 * @param averagingConstant weight of the next batch, within (0, 1]: {@link Observer#MINMAX}
 * @param norm exponent of the error, within (0, 16]: {@link Observer#MSE}
 * @param grid the only candidates of {@link Observer#MSE}; null for all ranges
 * @param percentile of {@code |x|}, within (0, 100]: {@link Observer#PERCENTILE}
 */
public record ObserverKwargs(
        double averagingConstant, double norm, @Nullable ShrinkGrid grid, double percentile) implements Serializable {

    public static final ObserverKwargs DEFAULT = new ObserverKwargs(0.01, 2.4, null, 99.99);

    private static final double MAX_NORM = 16;

    /** @throws InvalidSchemeException for a number out of its bounds */
    public ObserverKwargs {
        if (!(averagingConstant > 0 && averagingConstant <= 1)) {
            throw invalid("averaging_constant", averagingConstant, "(0, 1]", "above 0, at most 1");
        }
        if (!(norm > 0 && norm <= MAX_NORM)) {
            throw invalid("norm", norm, "(0, 16]", "above 0, at most 16, as 2.4");
        }
        if (!(percentile > 0 && percentile <= 100)) {
            throw invalid("percentile", percentile, "(0, 100]", "above 0, at most 100, as 99.99");
        }
    }

    /** The default but for the averaging constant. */
    public static ObserverKwargs averaging(double constant) {
        return new ObserverKwargs(constant, DEFAULT.norm, null, DEFAULT.percentile);
    }

    /** The default but for the exponent and the candidates of {@link Observer#MSE}. */
    public static ObserverKwargs mse(double norm, @Nullable ShrinkGrid grid) {
        return new ObserverKwargs(DEFAULT.averagingConstant, norm, grid, DEFAULT.percentile);
    }

    /** The default but for the percentile. */
    public static ObserverKwargs percentile(double percentile) {
        return new ObserverKwargs(DEFAULT.averagingConstant, DEFAULT.norm, null, percentile);
    }

    /** These where that observer uses them, else the defaults. */
    ObserverKwargs usedBy(Observer observer) {
        return switch (observer) {
            case MINMAX -> averaging(averagingConstant);
            case MSE -> mse(norm, grid);
            case PERCENTILE -> percentile(percentile);
            case STATIC_MINMAX, MEMORYLESS_MINMAX, ENTROPY -> DEFAULT;
        };
    }

    private static InvalidSchemeException invalid(String key, double given, String bounds, String expected) {
        return new InvalidSchemeException(
                "observer_kwargs." + key, key + " " + given + " is not within " + bounds, "give a number " + expected);
    }
}
