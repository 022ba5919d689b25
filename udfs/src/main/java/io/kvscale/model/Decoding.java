package io.kvscale.model;

import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;

/**
 * One batch of sequences in a decoder, fed in chunks that attend to the K and V of earlier chunks. Not thread-safe. Native
 * buffers are reused for the next batch and freed by {@link #close}.
 */
public interface Decoding extends AutoCloseable {
    /** Starts a batch of {@code rows} empty sequences; the last batch is discarded. */
    void begin(int rows);

    /**
     * Runs the next tokens of every row.
     *
     * @param ids one array per row, none empty. Shorter rows are padded on the right; a batch of rows of different lengths
     *     is fed at once, not in chunks
     * @throws InvalidDataException if an id is outside the vocabulary, the sequence exceeds the model's limit, or ONNX
     *     Runtime fails or runs out of memory; then call {@link #begin} before anything else
     */
    void feed(int[][] ids);

    /** Tokens of the longest row so far. */
    int tokens();

    /**
     * K or V of all tokens fed so far with padding, {@code [rows, kv_heads, tokens, head_dim]}: a view of native memory,
     * valid until the next {@link #feed}, {@link #begin} or {@link #close}. Reading it later may end the JVM.
     */
    KvTensor present(Slot slot);

    /**
     * Replaces K or V of tokens fed before; later chunks attend to the new values.
     *
     * @param at the position of the first token in its row
     * @param tokens {@code [1, kv_heads, tokens, head_dim]}
     */
    void put(Slot slot, int row, int at, KvTensor tokens);

    @Override
    void close();
}
