package io.kvscale.model;

import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;

/**
 * Sequences of one batch in a decoder: fed in chunks, with the past fed back. Not thread-safe; native buffers are kept
 * from one batch to the next and released by {@link #close}.
 */
public interface Decoding extends AutoCloseable {
    /** Forgets the batch before; {@code rows} sequences without tokens. */
    void begin(int rows);

    /**
     * Runs the next tokens of every row.
     *
     * @param ids one array a row, none of them empty; shorter rows are padded on the right, which only the one feed of a
     *     batch may need
     * @throws InvalidDataException if an id is outside of the vocabulary, the sequence is longer than the model takes, or
     *     ONNX Runtime fails, out of memory included; the batch is of no use then
     */
    void feed(int[][] ids);

    /** Tokens of the longest row. */
    int tokens();

    /**
     * K or V of all tokens fed so far, {@code [rows, kv_heads, tokens, head_dim]}, padding included: a view of native
     * memory, valid until the next {@link #feed}, {@link #begin} or {@link #close}.
     */
    KvTensor present(Slot slot);

    /**
     * Puts other values in place of K or V of tokens fed before: later chunks attend to those.
     *
     * @param at the first of these tokens of the row
     * @param tokens {@code [1, kv_heads, tokens, head_dim]}
     */
    void put(Slot slot, int row, int at, KvTensor tokens);

    @Override
    void close();
}
