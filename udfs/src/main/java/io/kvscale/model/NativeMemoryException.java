package io.kvscale.model;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;

/**
 * There is no more native memory. That is no fault of a sample: which one meets it depends on the machine and on what else
 * runs there.
 */
public final class NativeMemoryException extends InvalidDataException {
    private static final long serialVersionUID = 1L;

    /** @param what could not be had */
    public NativeMemoryException(String what, Throwable cause) {
        super(DataProblem.of("out of memory in native code: " + what, OrtFailure.MEMORY_REMEDY), cause);
    }
}
