package io.kvscale.task;

import io.kvscale.tensor.DataProblem;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * Samples that a model failed on; a commutative monoid.
 *
 * @param first the problem of the first failed sample, in the order of samples; null if none failed
 */
public record FailedSamples(long count, @Nullable DataProblem first) implements Serializable {
    public static final FailedSamples NONE = new FailedSamples(0, null);

    public FailedSamples merge(FailedSamples other) {
        return new FailedSamples(count + other.count, DataProblem.earlier(first, other.first));
    }
}
