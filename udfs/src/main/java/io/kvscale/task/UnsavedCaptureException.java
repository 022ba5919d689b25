package io.kvscale.task;

import java.io.IOException;

/** A capture file cannot be written; the message names the folder and the cause. */
public final class UnsavedCaptureException extends IOException {
    private static final long serialVersionUID = 1L;

    UnsavedCaptureException(String where, IOException cause) {
        super("captures cannot be saved in " + where + ": " + cause.getMessage(), cause);
    }
}
