package io.kvscale.input;

import io.kvscale.tensor.DataProblem;
import java.io.IOException;

/** A file that must not be read, or not be relied on. Reading it again gives the same. */
public final class UnusableFileException extends IOException {
    private static final long serialVersionUID = 1L;

    private final DataProblem problem;

    UnusableFileException(String what, String remedy) {
        super(what + "; " + remedy);
        this.problem = DataProblem.of(what, remedy);
    }

    /** What is wrong and what to do, without the file's path. */
    public DataProblem problem() {
        return problem;
    }
}
