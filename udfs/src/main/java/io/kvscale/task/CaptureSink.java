package io.kvscale.task;

import java.io.IOException;

/** Receives the K and V that a model computed for each sample, before they are observed. */
public interface CaptureSink {
    /** Called once per sample in each attempt of a task; {@code sample} is valid until this returns. */
    void save(SampleTensors sample) throws IOException;
}
