package io.kvscale.model.onnx;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;

/** Quantization cannot be put into a graph that may run without. */
public final class UnquantizableGraphException extends InvalidDataException {
    private static final long serialVersionUID = 1L;

    private static final String REMEDY = "evaluate with --attend chunks";

    /**
     * @param what why
     * @param file the graph's file
     */
    public UnquantizableGraphException(String what, String file) {
        super(DataProblem.of(what, REMEDY).inFile(file));
    }

    /** @param cause what ONNX Runtime says */
    public UnquantizableGraphException(String what, String file, Throwable cause) {
        super(DataProblem.of(what, REMEDY).inFile(file), cause);
    }
}
