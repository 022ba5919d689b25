package io.kvscale.model;

import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;
import java.nio.FloatBuffer;

/**
 * Sequences of one batch in a decoder: fed in chunks, with the past fed back. Not thread-safe; native buffers are kept
 * from one batch to the next and released by {@link #close}.
 */
public final class DecoderRun implements AutoCloseable {
    DecoderRun() {}

    /** Forgets the batch before; {@code rows} sequences without tokens. */
    public void begin(int rows) {
        throw new UnsupportedOperationException();
    }

    /**
     * Runs the next tokens of every row.
     *
     * @param ids one array a row; shorter rows are padded on the right, which only the one feed of a batch may need
     * @throws InvalidDataException if an id is outside of the vocabulary, the sequence is longer than the model takes, or
     *     ONNX Runtime fails, out of memory included; the batch is of no use then
     */
    public void feed(int[][] ids) {
        throw new UnsupportedOperationException();
    }

    /** Tokens of the longest row. */
    public int tokens() {
        throw new UnsupportedOperationException();
    }

    /**
     * K or V of all tokens fed so far, {@code [rows, kv_heads, tokens, head_dim]}, padding included: a view of native
     * memory, valid until the next {@link #feed}, {@link #begin} or {@link #close}.
     */
    public KvTensor present(Slot slot) {
        throw new UnsupportedOperationException();
    }

    /** Puts other values in place of K or V of all tokens fed so far: later chunks attend to those. */
    public void replace(Slot slot, KvTensor values) {
        throw new UnsupportedOperationException();
    }

    /** Of the tokens fed last, {@code [rows, tokens, vocabulary]}, widened to f32; valid as {@link #present} is. */
    public FloatBuffer logits() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
