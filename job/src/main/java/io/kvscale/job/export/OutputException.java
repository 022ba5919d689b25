package io.kvscale.job.export;

/** The output folder, or the folder of a state, exists, is in use or cannot be written. The message has up to three lines: what and where, then what to do. */
public final class OutputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutputException(String message, Throwable cause) {
        super(message, cause);
    }

    public OutputException(String message) {
        super(message);
    }

    /** This error with one more line. */
    OutputException with(String line) {
        return new OutputException(getMessage() + "\n  " + line, this);
    }
}
