package io.kvscale.model;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;

/**
 * Native memory is exhausted, or a run took too long. The sample is not the cause: which sample fails depends on the machine
 * and its load.
 */
public final class NativeLimitException extends InvalidDataException {
    private static final long serialVersionUID = 1L;

    NativeLimitException(DataProblem problem, Throwable cause) {
        super(problem, cause);
    }

    /** @param what the failed allocation */
    public static NativeLimitException memory(String what, String remedy, Throwable cause) {
        return new NativeLimitException(DataProblem.of("out of memory in native code: " + what, remedy), cause);
    }
}
