package io.kvscale.tensor;

import java.nio.ByteBuffer;

/** Copies tokens of one row out of, and into, a tensor {@code [rows, heads, tokens, head_dim]}. */
public final class KvTokens {
    private KvTokens() {}

    /** A copy of the tokens {@code [from, to)} of a row: {@code [1, heads, to - from, head_dim]}, on the heap. */
    public static KvTensor copy(KvTensor tensor, int row, int from, int to) {
        Geometry geometry = tensor.geometry();
        int line = line(geometry);
        int length = (to - from) * line;
        ByteBuffer part = ByteBuffer.allocate(geometry.heads() * length);
        for (int head = 0; head < geometry.heads(); head++) {
            int lane = row * geometry.heads() + head;
            part.put(head * length, tensor.values(), (lane * tensor.tokens() + from) * line, length);
        }
        return new KvTensor(geometry, 1, to - from, part);
    }

    /**
     * Overwrites tokens of a row.
     *
     * @param tokens {@code [1, heads, tokens, head_dim]}
     * @param values {@code [rows, heads, total, head_dim]}
     * @param total number of tokens of a row of {@code values}
     * @param at the first token of the row that is overwritten
     */
    public static void put(KvTensor tokens, ByteBuffer values, int total, int row, int at) {
        Geometry geometry = tokens.geometry();
        int line = line(geometry);
        int length = tokens.tokens() * line;
        for (int head = 0; head < geometry.heads(); head++) {
            int lane = row * geometry.heads() + head;
            values.put((lane * total + at) * line, tokens.values(), head * length, length);
        }
    }

    private static int line(Geometry geometry) {
        return geometry.headDim() * geometry.dtype().bytes();
    }
}
