package io.kvscale.task;

import java.io.IOException;
import org.apache.hadoop.fs.FSError;

/** A capture file cannot be written; the message names the folder and the cause. */
public final class UnsavedCaptureException extends IOException {
    private static final long serialVersionUID = 1L;

    UnsavedCaptureException(String where, IOException cause) {
        super("captures cannot be saved in " + where + ": " + cause.getMessage(), cause);
    }

    /** Hadoop reports errors of local files, a full disk among them, as this Error. */
    UnsavedCaptureException(String where, FSError cause) {
        this(where, cause.getCause() instanceof IOException e ? e : new IOException(cause.getMessage(), cause));
    }
}
