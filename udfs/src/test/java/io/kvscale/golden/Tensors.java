package io.kvscale.golden;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Tensors of golden cases: shape {@code [B,H,S,D]}, values as hexadecimal words. */
final class Tensors {
    private Tensors() {}

    static KvTensor of(JsonNode words, JsonNode shape, Dtype dtype) {
        int[] bits = GoldenFile.bits(words);
        ByteBuffer bytes = ByteBuffer.allocate(bits.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int word : bits) {
            if (dtype.bytes() == 4) {
                bytes.putInt(word);
            } else {
                bytes.putShort((short) word);
            }
        }
        Geometry geometry =
                new Geometry(dtype, shape.get(1).asInt(), shape.get(3).asInt());
        return new KvTensor(geometry, shape.get(0).asInt(), shape.get(2).asInt(), bytes.flip());
    }

    /** The newest tokens of a sequence as hexadecimal words, row-major. */
    static String[] newest(KvTensor whole, int tokens) {
        Geometry geometry = whole.geometry();
        float[] values = new float[whole.batch() * tokens * geometry.channels()];
        int i = 0;
        for (int bh = 0; bh < whole.batch() * geometry.heads(); bh++) {
            for (int t = whole.tokens() - tokens; t < whole.tokens(); t++) {
                for (int d = 0; d < geometry.headDim(); d++) {
                    values[i++] = whole.value((bh * whole.tokens() + t) * geometry.headDim() + d);
                }
            }
        }
        return GoldenFile.hex(values, geometry.dtype());
    }
}
