package io.kvscale.model;

import io.kvscale.model.onnx.GraphQuantizer;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.model.onnx.UnquantizableGraphException;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** A session of ONNX Runtime over a decoder. Thread-safe: all tasks of an executor run in it, each on its own thread. */
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
     * Opens a session of its own.
     *
     * @param folder local
     * @throws InvalidDataException if the files are not a decoder that kvscale can run
     */
    public static DecoderModel open(Path folder, String graph, Outputs outputs) {
        ModelSession session = ModelSession.open(folder, graph, outputs);
        return new DecoderModel(session, session::close);
    }

    /**
     * The JVM's shared session of a model. The first call opens it and closes unused sessions of other models. Each caller
     * calls {@link #close}; the session stays open for the next task until {@link #releaseShared}.
     *
     * @param folder holds the files of the manifest; hashes are not checked, see {@link ModelManifest#verify}
     * @throws InvalidDataException if the files are not a decoder that kvscale can run
     */
    public static DecoderModel shared(ModelManifest manifest, Path folder, Outputs outputs) {
        return SHARED.hold(manifest, outputs, () -> ModelSession.open(folder, manifest.graph(), outputs));
    }

    /**
     * Why a model cannot be opened with {@link Outputs#QUANTIZED}; empty if it can. Then its shared session is open for the
     * next task.
     *
     * @param folder as for {@link #shared}
     * @throws InvalidDataException if the model cannot run without quantization either
     */
    public static Optional<String> obstacle(ModelManifest manifest, Path folder) {
        try {
            shared(manifest, folder, Outputs.QUANTIZED).close();
            return Optional.empty();
        } catch (UnquantizableGraphException e) {
            return Optional.of(e.problem().what());
        }
    }

    /** Closes the shared sessions that no caller holds. */
    public static void releaseShared() {
        SHARED.release();
    }

    public ModelShape shape() {
        return session.shape();
    }

    ModelSession session() {
        return session;
    }

    /** Buffers and state for one thread; close it before the model. */
    public DecoderRun newRun() {
        return newRun(Map.of());
    }

    /**
     * As {@link #newRun()}, with a quantized cache.
     *
     * @param quantizers of the slots to quantize; empty unless the model was opened with {@link Outputs#QUANTIZED}
     */
    public DecoderRun newRun(Map<Slot, GraphQuantizer> quantizers) {
        return new DecoderRun(session, TimeLimit.USUAL, quantizers);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            onClose.run();
        }
    }
}
