package io.kvscale.model;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import io.kvscale.model.onnx.DecoderGraph;
import io.kvscale.model.onnx.ModelShape;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * A session of ONNX Runtime over a checked graph. Thread-safe.
 *
 * @param graph the name of the graph's file
 * @param inputs the element types of all inputs, by name
 * @param logitsType the element type of the logits; 0 if they are not computed
 * @param quantizes whether the graph quantizes its cache, and needs {@link QuantizerInputs}
 */
record ModelSession(
        OrtEnvironment environment,
        OrtSession session,
        String graph,
        ModelShape shape,
        Map<String, Integer> inputs,
        int logitsType,
        boolean quantizes)
        implements AutoCloseable {

    /** ONNX Runtime also throws what it logs as an error. */
    private static final OrtLoggingLevel LOGGED = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;

    static ModelSession open(Path folder, String graphName, Outputs outputs) {
        try (NativeBuffer memory = new NativeBuffer();
                NativeBuffer rewritten = new NativeBuffer()) {
            ByteBuffer file = read(folder.resolve(graphName), graphName, memory);
            DecoderGraph graph = DecoderGraph.read(DecoderGraph.folder(folder), graphName, file);
            int logitsType = 0;
            if (outputs == Outputs.CACHE) {
                graph.keepCacheOnly(file);
            } else {
                logitsType = graph.logitsType();
            }
            boolean quantizes = outputs == Outputs.QUANTIZED;
            if (quantizes) {
                file = graph.quantized(file, rewritten::take);
                memory.close();
            }
            OrtEnvironment environment = OrtEnvironment.getEnvironment(LOGGED, "kvscale");
            environment.setTelemetry(false);
            removeUnpackedLibraries();
            try (SessionOptions options = options(folder, outputs)) {
                OrtSession session = environment.createSession(file, options);
                return new ModelSession(
                        environment, session, graphName, graph.shape(), graph.inputTypes(), logitsType, quantizes);
            }
        } catch (NoSuchFileException e) {
            throw DecoderGraph.missing(graphName);
        } catch (IOException e) {
            throw ModelManifest.unreadable(e);
        } catch (OrtException e) {
            throw OrtFailure.atLoad(e, graphName, outputs == Outputs.QUANTIZED);
        } catch (LinkageError e) {
            throw OrtFailure.notLoaded(e);
        }
    }

    private static ByteBuffer read(Path file, String name, NativeBuffer memory) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            DecoderGraph.checkSize(channel.size(), name);
            ByteBuffer bytes = memory.take(channel.size());
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {}
            return bytes.flip();
        }
    }

    /** Runs on the caller's thread only, returns memory after every run, and keeps one copy of the weights. */
    private static SessionOptions options(Path folder, Outputs outputs) throws OrtException {
        SessionOptions options = new SessionOptions();
        options.setSessionLogLevel(LOGGED);
        options.setExecutionMode(SessionOptions.ExecutionMode.SEQUENTIAL);
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        options.addConfigEntry("session.intra_op.allow_spinning", "0");
        options.setCPUArenaAllocator(false);
        options.setMemoryPatternOptimization(false);
        // Prepacked f32 weights are up to 4 times faster in short runs, as of chunks, but are copies: calibration, in
        // runs of
        // hundreds of tokens, keeps the weights in the mapped file.
        options.addConfigEntry("session.disable_prepacking", outputs == Outputs.CACHE ? "1" : "0");
        options.setDeterministicCompute(true);
        // It crashes for a Slice or Gather whose axis is not below the rank of its input (onnxruntime pull request
        // 31711).
        options.addConfigEntry("optimization.disable_specified_optimizers", "GatherSliceToSplitFusion");
        // The graph is given as bytes, so ONNX Runtime does not know its folder.
        options.addConfigEntry(
                "session.model_external_initializers_file_folder_path",
                folder.toAbsolutePath().toString());
        return options;
    }

    /**
     * Deletes the native libraries that ONNX Runtime unpacked below {@code java.io.tmpdir}, 24 MB per JVM, once they are
     * loaded. ONNX Runtime never deletes their folder, nor the libraries when the JVM is killed, as executors are.
     */
    private static void removeUnpackedLibraries() {
        try {
            Field field = Class.forName("ai.onnxruntime.OnnxRuntime").getDeclaredField("tempDirectory");
            field.setAccessible(true);
            if (field.get(null) instanceof Path folder) {
                File[] files = folder.toFile().listFiles();
                boolean all = files != null;
                for (int i = 0; all && i < files.length; i++) {
                    all = files[i].delete();
                }
                if (all) {
                    folder.toFile().delete();
                }
            }
        } catch (ReflectiveOperationException | RuntimeException e) {
            // Another version of ONNX Runtime: it deletes the libraries at exit.
        }
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
