package io.kvscale.job.state;

import java.io.IOException;

/** The file of a group cannot be used. Reading it again gives the same. The message says what is wrong. */
public final class DamagedGroupException extends IOException {
    private static final long serialVersionUID = 1L;

    private final boolean newer;

    DamagedGroupException(String message) {
        this(message, false);
    }

    DamagedGroupException(String message, boolean newer) {
        super(message);
        this.newer = newer;
    }

    DamagedGroupException(String message, Throwable cause) {
        super(message, cause);
        this.newer = false;
    }

    /** Whether a newer kvscale wrote the file, and may still use it. */
    boolean isNewer() {
        return newer;
    }
}
