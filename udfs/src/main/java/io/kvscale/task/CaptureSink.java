package io.kvscale.task;

import java.io.IOException;

/** Takes what a model computed of every sample, before it is observed. */
public interface CaptureSink {
    /**
     * Called once for each sample that the model ran through, more often if a task is tried again.
     *
     * @param sample valid until this returns
     */
    void save(SampleTensors sample) throws IOException;
}
