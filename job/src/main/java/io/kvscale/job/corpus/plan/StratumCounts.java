package io.kvscale.job.corpus.plan;

import io.kvscale.tensor.DataProblem;
import io.kvscale.text.Strata;
import java.io.Serializable;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * Numbers of texts by the value of a field of strata. Of more than {@link Strata#MAX_VALUES} values one more than these is
 * kept, the first in their order. The merge is commutative and associative.
 *
 * @param texts by value; empty without strata
 */
public record StratumCounts(SortedMap<String, Long> texts) implements Serializable {
    public static final StratumCounts NONE = new StratumCounts(new TreeMap<>());

    private static final int MAX_SHOWN = 8;

    public StratumCounts merge(StratumCounts other) {
        TreeMap<String, Long> merged = new TreeMap<>(texts);
        other.texts.forEach((value, count) -> merged.merge(value, count, Long::sum));
        return new StratumCounts(bounded(merged));
    }

    /** Drops the last values beyond the bound. */
    static TreeMap<String, Long> bounded(TreeMap<String, Long> counts) {
        while (counts.size() > Strata.MAX_VALUES + 1) {
            counts.pollLastEntry();
        }
        return counts;
    }

    /** Whether there are more values than kvscale keeps apart. */
    public boolean areTooMany() {
        return texts.size() > Strata.MAX_VALUES;
    }

    /** The values with their counts, shortened. */
    public String shown() {
        return shown(texts, value -> "");
    }

    /**
     * Some values with a number each, such as {@code de (3 of 9), en (5 of 9) and 2 more}.
     *
     * @param more what follows the number of a value
     */
    public static String shown(Map<String, Long> numbers, UnaryOperator<String> more) {
        return numbers.entrySet().stream()
                        .limit(MAX_SHOWN)
                        .map(entry -> DataProblem.shown(entry.getKey()) + " (" + entry.getValue()
                                + more.apply(entry.getKey()) + ")")
                        .collect(Collectors.joining(", "))
                + (numbers.size() > MAX_SHOWN ? " and " + (numbers.size() - MAX_SHOWN) + " more" : "");
    }
}
