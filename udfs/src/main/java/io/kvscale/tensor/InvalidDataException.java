package io.kvscale.tensor;

/** Thrown if calibration data or statistics are absent, invalid or insufficient. */
public class InvalidDataException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final DataProblem problem;

    /** A problem whose place is not known yet. */
    public InvalidDataException(String what, String remedy) {
        this(DataProblem.of(what, remedy));
    }

    /** A problem whose place is not known yet. */
    public InvalidDataException(String what, String remedy, Throwable cause) {
        this(DataProblem.of(what, remedy), cause);
    }

    public InvalidDataException(DataProblem problem) {
        super(problem.message());
        this.problem = problem;
    }

    public InvalidDataException(DataProblem problem, Throwable cause) {
        super(problem.message(), cause);
        this.problem = problem;
    }

    public DataProblem problem() {
        return problem;
    }
}
