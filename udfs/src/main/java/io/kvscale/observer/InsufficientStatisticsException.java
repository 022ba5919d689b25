package io.kvscale.observer;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;

/** Thrown if statistics do not keep what an observer needs: a matter of how they were collected, not of the values. */
public final class InsufficientStatisticsException extends InvalidDataException {
    private static final long serialVersionUID = 1L;

    public InsufficientStatisticsException(DataProblem problem) {
        super(problem);
    }
}
