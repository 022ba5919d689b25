package io.kvscale.scheme;

import io.kvscale.numeric.NumberFormat;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The {@code observer} of a scheme, its {@code observer_kwargs} included: which range of the observed values a scale comes
 * from. Instances are immutable values with {@code equals}.
 *
 * <p>Observers are services: a public class with a public constructor without arguments, which gives the defaults, named in
 * {@code META-INF/services/io.kvscale.scheme.Observer}. The rule that computes the ranges is in
 * {@code io.kvscale.quant.search.RangeRule}, which observers implement.
 */
public interface Observer extends Serializable {
    /** What the statistics must hold. */
    enum Needs {
        /** The least and the greatest value of every channel; statistics always hold them. */
        RANGES,
        /** The ranges of all batches. */
        BATCHES,
        /** The range of the last batch. */
        LAST_BATCH,
        /** A histogram of the values of every head. */
        HISTOGRAMS,
        /** The greatest norms of RoPE pairs; only statistics of K hold them. */
        PAIRS
    }

    /** The value of {@code observer} in recipes. */
    String word();

    /** Other values of {@code observer} that mean this observer. */
    default List<String> aliases() {
        return List.of();
    }

    /** The valid keys of {@code observer_kwargs}. */
    default Set<String> keys() {
        return kwargs().keySet();
    }

    /**
     * This observer with the kwargs of a recipe; keys that are absent get their default.
     *
     * @throws InvalidSchemeException for a value that is no number or out of bounds
     */
    default Observer with(Kwargs kwargs) {
        return this;
    }

    /** The {@code observer_kwargs} that give this observer, in the order in which files list them. */
    default Map<String, Double> kwargs() {
        return Map.of();
    }

    default Needs needs() {
        return Needs.RANGES;
    }

    /** @throws InvalidSchemeException if the observer gives no ranges for this format and strategy */
    default void check(NumberFormat format, Strategy strategy) {}

    default boolean needsBatches() {
        return needs() == Needs.BATCHES || needs() == Needs.LAST_BATCH;
    }

    default boolean needsPairs() {
        return needs() == Needs.PAIRS;
    }

    default boolean needsHistograms() {
        return needs() == Needs.HISTOGRAMS;
    }
}
