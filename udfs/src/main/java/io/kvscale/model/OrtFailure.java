package io.kvscale.model;

import ai.onnxruntime.OrtException;
import io.kvscale.model.onnx.UnquantizableGraphException;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Errors of ONNX Runtime as problems of the data. */
final class OrtFailure {
    static final String MEMORY_REMEDY =
            "run fewer tasks at once (spark.executor.cores), use shorter texts or chunks (max_seq_length, "
                    + "chunk_tokens; evaluate: --chunk), or raise the limit (spark.executor.memoryOverhead, "
                    + "-XX:MaxDirectMemorySize). If one short text fails too, the graph computes huge tensors: use "
                    + "another model";

    /** Memory at load does not depend on texts or tasks. */
    private static final String LOAD_REMEDY =
            "raise the limit of the process (spark.executor.memoryOverhead), or export the model again: weights, and "
                    + "what the graph computes from them alone, must fit";

    private static final int MAX_SHOWN = 300;
    /** Words of the allocators of ONNX Runtime and C++ when memory is exhausted. */
    private static final List<String> MEMORY = List.of("bad_alloc", "failed to allocate", "out of memory", "bad alloc");

    /** Words in errors about tensors whose sizes come from config.json. */
    private static final List<String> CACHE =
            List.of("past_key", "past_value", "present.", "axis dimensions must match", "shape verification failed");

    private static final Pattern PREFIX = Pattern.compile("^Error code - \\w+ - message: ");

    private OrtFailure() {}

    /** @param quantizes whether quantization was put into the graph */
    static InvalidDataException atLoad(OrtException e, String graph, boolean quantizes) {
        if (mentions(MEMORY, e)) {
            return NativeLimitException.memory(firstLine(e), LOAD_REMEDY, e);
        }
        if (quantizes) {
            return new UnquantizableGraphException(
                    "ONNX Runtime cannot load the model's graph with quantization in it: " + firstLine(e), graph, e);
        }
        return new InvalidDataException(
                DataProblem.of(
                                "ONNX Runtime cannot load the model: " + firstLine(e),
                                "export the model again; this version of ONNX Runtime does not support the graph")
                        .inFile(graph),
                e);
    }

    static InvalidDataException atRun(OrtException e) {
        if (mentions(MEMORY, e)) {
            return NativeLimitException.memory(firstLine(e), MEMORY_REMEDY, e);
        }
        String remedy = mentions(CACHE, e)
                ? "check that num_key_value_heads and head_dim in config.json are those of the exported model"
                : "check whether the model runs this text in ONNX Runtime elsewhere";
        return new InvalidDataException("ONNX Runtime failed while running the model: " + firstLine(e), remedy, e);
    }

    /** @param tokens that were fed in the run */
    static NativeLimitException tooLong(Duration limit, long tokens, String graph, OrtException e) {
        return new NativeLimitException(
                DataProblem.of(
                                "the model gave no result for " + tokens + " tokens within " + limit.toMinutes()
                                        + " minutes",
                                "a Loop of its graph may have no end: use another model. If the machine is that slow, "
                                        + "feed fewer tokens at once (chunk_tokens; evaluate: --chunk)")
                        .inFile(graph),
                e);
    }

    /** The native libraries of ONNX Runtime do not load. */
    static InvalidDataException notLoaded(LinkageError e) {
        return new InvalidDataException(
                "ONNX Runtime does not load on " + System.getProperty("os.name") + " " + System.getProperty("os.arch")
                        + ": " + DataProblem.shown(e.toString()),
                "run models with kvscale.jar on Linux (glibc, x86-64 or aarch64) or macOS (aarch64), and set "
                        + "java.io.tmpdir to a folder from which libraries can be loaded",
                e);
    }

    private static String firstLine(OrtException e) {
        String said = String.valueOf(e.getMessage());
        String first = PREFIX.matcher(said.lines().findFirst().orElse("")).replaceFirst("");
        return first.length() <= MAX_SHOWN ? first : first.substring(0, MAX_SHOWN) + "...";
    }

    private static boolean mentions(List<String> words, OrtException e) {
        String said = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return words.stream().anyMatch(said::contains);
    }
}
