package io.kvscale.model;

import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;
import java.nio.FloatBuffer;

/** {@link Decoding} by ONNX Runtime. */
public final class DecoderRun implements Decoding {
    DecoderRun() {}

    @Override
    public void begin(int rows) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void feed(int[][] ids) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int tokens() {
        throw new UnsupportedOperationException();
    }

    @Override
    public KvTensor present(Slot slot) {
        throw new UnsupportedOperationException();
    }

    @Override
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
