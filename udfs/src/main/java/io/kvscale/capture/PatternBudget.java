package io.kvscale.capture;

import io.kvscale.capture.layout.TensorNames;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;

/** Bounds the time that a recipe's patterns take on the tensor names of one file: less than a minute. */
final class PatternBudget {
    /** Characters of names times instructions of patterns; one takes 10 ns at most. */
    private static final long MAX_STEPS = 4_000_000_000L;

    private long left = MAX_STEPS;

    /** @throws InvalidDataException if the patterns take too long on the names so far and this one */
    void take(TensorNames names, String tensor) {
        left -= names.steps(tensor);
        if (left < 0) {
            throw new InvalidDataException(DataProblem.of(
                    "key.tensors, value.tensors and query.tensors of the recipe take too long on the many long tensor names of this file",
                    "use patterns without large counts such as {500}, or a file with fewer or shorter names"));
        }
    }
}
