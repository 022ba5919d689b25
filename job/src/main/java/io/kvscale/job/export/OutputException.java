package io.kvscale.job.export;

/** The output exists or cannot be written; the message says where and what to do. */
public final class OutputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OutputException(String message, Throwable cause) {
        super(message, cause);
    }

    OutputException(String message) {
        super(message);
    }
}
