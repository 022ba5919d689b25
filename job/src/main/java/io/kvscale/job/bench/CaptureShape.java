package io.kvscale.job.bench;

import java.util.List;

/** The tensors of one generated capture: K and V of every layer, {@code [1, heads, tokens, head_dim]} in bf16. */
record CaptureShape(int layers, int heads, int tokens, int headDim) {
    /** A prefill of 1024 tokens of a model of 8 billion parameters: 4 MiB a layer, 128 MiB a file. */
    static final CaptureShape LARGE = new CaptureShape(32, 8, 1024, 128);

    /** A short text and a small model: files of 1.5 MB. */
    static final CaptureShape SMALL = new CaptureShape(25, 3, 80, 64);

    /** This shape with no more layers than fit into {@code bytes}; at least one. */
    CaptureShape within(long bytes) {
        return new CaptureShape(
                (int) Math.max(1, Math.min(layers, bytes / (2L * tensorBytes()))), heads, tokens, headDim);
    }

    int tensorBytes() {
        return heads * tokens * headDim * Short.BYTES;
    }

    long fileBytes() {
        return 2L * layers * tensorBytes();
    }

    List<Long> dimensions() {
        return List.of(1L, (long) heads, (long) tokens, (long) headDim);
    }
}
