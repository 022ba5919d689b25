package io.kvscale.cache;

import io.kvscale.model.Decoding;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A decoder with a quantized cache: after every chunk, what left the residual is fake-quantized in the past that the next
 * chunk attends to. Gives what {@link FixedScaleCache#update} gives, but touches each token once.
 */
final class Feedback {
    private final FixedScales scales;
    private final int residualLength;

    /** @param residualLength how many of the newest tokens stay in full precision; 0 for none */
    Feedback(FixedScales scales, int residualLength) {
        if (residualLength < 0) {
            throw new IllegalArgumentException("residual_length " + residualLength + " is below 0");
        }
        this.scales = scales;
        this.residualLength = residualLength;
    }

    /**
     * To be called after every feed.
     *
     * @param slots all of the model
     * @param before tokens that were there before that feed
     */
    void apply(Decoding run, List<Slot> slots, int before) {
        int from = Math.max(0, before - residualLength);
        int to = Math.max(0, run.tokens() - residualLength);
        for (Slot slot : slots) {
            if (to > from && scales.quantizes(slot)) {
                KvTensor present = run.present(slot);
                KvTensor left = scales.fakeQuantize(slot, part(present, from, to));
                run.replace(slot, with(present, left, from));
            }
        }
    }

    /** A copy of the tokens {@code [from, to)} of every row. */
    static KvTensor part(KvTensor tensor, int from, int to) {
        int line = line(tensor.geometry());
        int lanes = tensor.batch() * tensor.geometry().heads();
        ByteBuffer part = ByteBuffer.allocate(lanes * (to - from) * line);
        for (int lane = 0; lane < lanes; lane++) {
            part.put(tensor.values().slice((lane * tensor.tokens() + from) * line, (to - from) * line));
        }
        return new KvTensor(tensor.geometry(), tensor.batch(), to - from, part.flip());
    }

    /** A copy with other tokens from {@code at} on. */
    static KvTensor with(KvTensor tensor, KvTensor tokens, int at) {
        int line = line(tensor.geometry());
        ByteBuffer copy = ByteBuffer.allocate(tensor.values().capacity());
        copy.put(tensor.values().duplicate()).flip();
        put(copy, tensor.tokens(), tokens, at);
        return new KvTensor(tensor.geometry(), tensor.batch(), tensor.tokens(), copy);
    }

    /** Puts tokens into {@code [batch, heads, total, head_dim]}, from {@code at} on. */
    static void put(ByteBuffer values, int total, KvTensor tokens, int at) {
        int line = line(tokens.geometry());
        int length = tokens.tokens() * line;
        for (int lane = 0; lane < tokens.batch() * tokens.geometry().heads(); lane++) {
            values.put((lane * total + at) * line, tokens.values(), lane * length, length);
        }
    }

    private static int line(Geometry geometry) {
        return geometry.headDim() * geometry.dtype().bytes();
    }
}
