package io.kvscale.model;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;

/**
 * Native memory is exhausted. The sample is not the cause: which sample fails depends on the machine and its load.
 */
public final class NativeMemoryException extends InvalidDataException {
    private static final long serialVersionUID = 1L;

    /** @param what the failed allocation */
    public NativeMemoryException(String what, Throwable cause) {
        super(DataProblem.of("out of memory in native code: " + what, OrtFailure.MEMORY_REMEDY), cause);
    }
}
