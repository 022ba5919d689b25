package io.kvscale.model;

import io.kvscale.model.onnx.ModelShape;
import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/** One session of ONNX Runtime over a decoder's graph. Thread-safe: every task slot runs on its own thread in it. */
public final class DecoderModel implements AutoCloseable {
    private static final SharedModels SHARED = new SharedModels();

    private final ModelSession session;
    private final Runnable onClose;
    private final AtomicBoolean closed = new AtomicBoolean();

    DecoderModel(ModelSession session, Runnable onClose) {
        this.session = session;
        this.onClose = onClose;
    }

    /**
     * Reads config.json and the graph's inputs and outputs, without loading weights into a session.
     *
     * @param folder local
     * @throws InvalidDataException naming each misfit of graph and config.json, or a file that is missing or cut short
     */
    public static ModelShape check(Path folder, String graph) {
        return new CheckedModelFolder(folder, graph).check();
    }

    /** @throws InvalidDataException if the files are not a decoder that this project runs */
    public static DecoderModel open(Path folder, String graph, Outputs outputs) {
        ModelSession session = ModelSession.open(folder, graph, outputs);
        return new DecoderModel(session, session::close);
    }

    /**
     * The JVM's one session of that model, opened by whoever comes first; sessions of other models that nobody holds
     * any more are closed then. Every call is paired with a {@link #close}; the session stays open for the next task
     * until {@link #releaseShared}.
     *
     * @param folder holds the files of the manifest; their hashes are not looked at here, see
     *     {@link ModelManifest#verify}
     * @throws InvalidDataException if the files are not a decoder that this project runs
     */
    public static DecoderModel shared(ModelManifest manifest, Path folder, Outputs outputs) {
        return SHARED.hold(manifest, outputs, () -> ModelSession.open(folder, manifest.graph(), outputs));
    }

    /** Closes the shared sessions that nobody holds. */
    public static void releaseShared() {
        SHARED.release();
    }

    public ModelShape shape() {
        return session.shape();
    }

    ModelSession session() {
        return session;
    }

    /** Buffers and state for one thread; closed before the model is. */
    public DecoderRun newRun() {
        return new DecoderRun(session);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            onClose.run();
        }
    }
}
