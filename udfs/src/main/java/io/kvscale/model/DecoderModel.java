package io.kvscale.model;

import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Path;

/** One session of ONNX Runtime over a decoder's graph. Thread-safe: every task slot runs on its own thread in it. */
public final class DecoderModel implements AutoCloseable {
    private DecoderModel() {}

    /**
     * Reads config.json and the graph's inputs and outputs, without loading weights into a session.
     *
     * @param folder local
     * @throws InvalidDataException naming each misfit of graph and config.json
     */
    public static ModelShape check(Path folder, String graph) {
        throw new UnsupportedOperationException();
    }

    /** @throws InvalidDataException if the files are not a decoder that this project runs */
    public static DecoderModel open(Path folder, String graph, Outputs outputs) {
        throw new UnsupportedOperationException();
    }

    /**
     * The JVM's one session of that model, opened by whoever comes first; a session of another model that nobody holds
     * any more is closed. Every call is paired with a {@link #close}; the session stays open for the next task until
     * {@link #releaseShared}.
     */
    public static DecoderModel shared(ModelManifest manifest, Path folder, Outputs outputs) {
        throw new UnsupportedOperationException();
    }

    /** Closes the shared sessions that nobody holds. */
    public static void releaseShared() {
        throw new UnsupportedOperationException();
    }

    public ModelShape shape() {
        throw new UnsupportedOperationException();
    }

    /** Buffers and state for one thread. */
    public DecoderRun newRun() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
