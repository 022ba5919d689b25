package io.kvscale.tensor;

import io.kvscale.numeric.Dtype;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * K or V of one layer in memory: {@code [batch, heads, tokens, head_dim]}, row-major, little endian.
 *
 * <p>A view: the bytes are not copied and must not change while it is in use.
 *
 * @param values direct or on the heap; its position and limit span exactly the tensor
 */
public record KvTensor(Geometry geometry, int batch, int tokens, ByteBuffer values) {
    public KvTensor {
        if (batch < 1 || tokens < 0) {
            throw new IllegalArgumentException("batch " + batch + ", tokens " + tokens + ": expected at least 1 and 0");
        }
        long expected =
                (long) batch * tokens * geometry.channels() * geometry.dtype().bytes();
        if (values.remaining() != expected) {
            throw new IllegalArgumentException("[" + batch + "," + geometry.heads() + "," + tokens + ","
                    + geometry.headDim() + "] of " + geometry.dtype() + " takes " + expected + " bytes, got "
                    + values.remaining());
        }
        values = values.slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Number of values. */
    public int size() {
        return values.capacity() / geometry.dtype().bytes();
    }

    /** The bit pattern of the value at a row-major index. */
    public int bits(int index) {
        return geometry.dtype().get(values, index * geometry.dtype().bytes());
    }

    /** The value at a row-major index, widened exactly. */
    public float value(int index) {
        return geometry.dtype().toFloat(bits(index));
    }

    /** A copy of all values, widened exactly. */
    public float[] floats() {
        float[] floats = new float[size()];
        if (geometry.dtype() == Dtype.F32) {
            values.asFloatBuffer().get(floats);
        } else {
            for (int i = 0; i < floats.length; i++) {
                floats[i] = value(i);
            }
        }
        return floats;
    }
}
