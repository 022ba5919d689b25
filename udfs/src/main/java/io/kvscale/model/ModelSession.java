package io.kvscale.model;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import io.kvscale.model.CheckedModelFolder.LoadedGraph;
import io.kvscale.model.onnx.CacheGraph;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.model.onnx.ShapeCheck;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * A session of ONNX Runtime and what is known of its graph. Threads may run it at once.
 *
 * @param inputs the element types of all inputs, by name
 * @param logitsType the element type of the logits; 0 if they are not computed
 */
record ModelSession(
        OrtEnvironment environment, OrtSession session, ModelShape shape, Map<String, Integer> inputs, int logitsType)
        implements AutoCloseable {

    /** What ONNX Runtime logs as an error, it throws, too. */
    private static final OrtLoggingLevel LOGGED = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;

    static ModelSession open(Path folder, String graphName, Outputs outputs) {
        try (NativeBuffer memory = new NativeBuffer()) {
            LoadedGraph loaded = new CheckedModelFolder(folder, graphName).load(memory);
            int logitsType = 0;
            if (outputs == Outputs.CACHE) {
                CacheGraph.keepCacheOnly(loaded.graph(), loaded.bytes());
            } else {
                logitsType = ShapeCheck.logitsType(loaded.graph(), graphName);
            }
            Map<String, Integer> inputs = new HashMap<>();
            loaded.graph().inputs().forEach(input -> inputs.put(input.name(), input.elementType()));
            OrtEnvironment environment = OrtEnvironment.getEnvironment(LOGGED, "kvscale");
            environment.setTelemetry(false);
            Natives.removeFiles();
            try (SessionOptions options = options(folder)) {
                OrtSession session = environment.createSession(loaded.bytes(), options);
                return new ModelSession(environment, session, loaded.shape(), inputs, logitsType);
            }
        } catch (OrtException e) {
            throw OrtFailure.atLoad(e, graphName);
        } catch (LinkageError e) {
            throw OrtFailure.notHere(e);
        }
    }

    /** One thread, that of the caller; memory is given back after every run; one copy of the weights. */
    private static SessionOptions options(Path folder) throws OrtException {
        SessionOptions options = new SessionOptions();
        options.setSessionLogLevel(LOGGED);
        options.setExecutionMode(SessionOptions.ExecutionMode.SEQUENTIAL);
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        options.addConfigEntry("session.intra_op.allow_spinning", "0");
        options.setCPUArenaAllocator(false);
        options.setMemoryPatternOptimization(false);
        options.addConfigEntry("session.disable_prepacking", "1");
        options.setDeterministicCompute(true);
        // The graph comes as bytes, which have no folder of their own.
        options.addConfigEntry(
                "session.model_external_initializers_file_folder_path",
                folder.toAbsolutePath().toString());
        return options;
    }

    @Override
    public void close() {
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException("cannot close a session of ONNX Runtime", e);
        }
    }
}
