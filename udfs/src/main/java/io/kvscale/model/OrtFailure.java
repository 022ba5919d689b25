package io.kvscale.model;

import ai.onnxruntime.OrtException;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** What ONNX Runtime says when it fails, as a problem of the data. */
final class OrtFailure {
    static final String MEMORY_REMEDY =
            "run fewer partitions at once (spark.executor.cores), cut texts or chunks shorter (max_seq_length, "
                    + "chunk_tokens; evaluate: --chunk), or give more (spark.executor.memoryOverhead, "
                    + "-XX:MaxDirectMemorySize)";

    private static final int MAX_SHOWN = 300;
    /** How the allocators of ONNX Runtime, of C++ and its arena say that there is no more. */
    private static final List<String> MEMORY = List.of("bad_alloc", "failed to allocate", "out of memory", "bad alloc");

    /** How it calls the tensors that are as large as config.json says. */
    private static final List<String> CACHE =
            List.of("past_key", "past_value", "present.", "axis dimensions must match");

    private static final Pattern PREFIX = Pattern.compile("^Error code - \\w+ - message: ");

    private OrtFailure() {}

    static InvalidDataException atLoad(OrtException e, String graph) {
        if (isOf(MEMORY, e)) {
            return new NativeMemoryException(said(e), e);
        }
        return new InvalidDataException(
                DataProblem.of(
                                "ONNX Runtime cannot load the model: " + said(e),
                                "export it again: the graph is not one that it takes")
                        .inFile(graph),
                e);
    }

    static InvalidDataException atRun(OrtException e) {
        if (isOf(MEMORY, e)) {
            return new NativeMemoryException(said(e), e);
        }
        String remedy = isOf(CACHE, e)
                ? "see whether num_key_value_heads and head_dim in config.json are those that the model was exported with"
                : "see whether it runs this text elsewhere";
        return new InvalidDataException(DataProblem.of("ONNX Runtime failed in the model: " + said(e), remedy), e);
    }

    /** Its native libraries do not load. */
    static InvalidDataException notHere(LinkageError e) {
        return new InvalidDataException(
                DataProblem.of(
                        "ONNX Runtime does not load on " + System.getProperty("os.name") + " "
                                + System.getProperty("os.arch") + ": " + DataProblem.shown(e.toString()),
                        "run models with kvscale.jar on Linux (glibc, x86-64 or aarch64) or macOS (aarch64), with a "
                                + "java.io.tmpdir that may hold libraries"),
                e);
    }

    private static String said(OrtException e) {
        String said = String.valueOf(e.getMessage());
        String first = PREFIX.matcher(said.lines().findFirst().orElse("")).replaceFirst("");
        return first.length() <= MAX_SHOWN ? first : first.substring(0, MAX_SHOWN) + "...";
    }

    private static boolean isOf(List<String> words, OrtException e) {
        String said = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return words.stream().anyMatch(said::contains);
    }
}
