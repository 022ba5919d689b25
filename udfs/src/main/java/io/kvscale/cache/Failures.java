package io.kvscale.cache;

import io.kvscale.tensor.DataProblem;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * Samples that a model did not run through; a commutative monoid.
 *
 * @param first of the first one, in the order of samples; null if there is none
 */
public record Failures(long count, @Nullable DataProblem first) implements Serializable {
    public static final Failures NONE = new Failures(0, null);

    public Failures merge(Failures other) {
        boolean isFirst = first != null && (other.first == null || first.compareTo(other.first) <= 0);
        return new Failures(count + other.count, isFirst ? first : other.first);
    }
}
