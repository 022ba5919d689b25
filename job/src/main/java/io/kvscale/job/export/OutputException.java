package io.kvscale.job.export;

import io.kvscale.input.ReadFailure;

/** The output folder, or the folder of a state, exists, is in use or cannot be written. The message has up to three lines: what and where, then what to do. */
public final class OutputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutputException(String message, Throwable cause) {
        super(message, cause);
    }

    public OutputException(String message) {
        super(message);
    }

    /**
     * The error of a file or folder that the file system refuses.
     *
     * @param what its name, and what cannot be done with it
     * @param other what to name instead, with the option: {@code file with --report}
     */
    public static OutputException refused(String what, Throwable e, String other) {
        return new OutputException(
                what + ": " + ReadFailure.reason(e) + "\n  check free space and permissions, or name another " + other,
                e);
    }

    /** This error with one more line. */
    OutputException with(String line) {
        return new OutputException(getMessage() + "\n  " + line, this);
    }
}
