package io.kvscale.task;

import java.io.IOException;

/** Follows a task that reads capture files. */
public interface ReadListener {
    /** Bytes of K and V that were observed since the last call. */
    void observed(long bytes);

    /**
     * A read failed; the task records the failure as a problem once this returns. An implementation may throw, so that the
     * whole task is tried again.
     */
    default void failed(IOException failure) {}
}
