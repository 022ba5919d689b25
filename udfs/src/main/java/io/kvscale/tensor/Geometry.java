package io.kvscale.tensor;

import io.kvscale.numeric.Dtype;
import java.io.Serializable;

/** The dtype, {@code kv_heads} and {@code head_dim} that all tensors of a slot share. */
public record Geometry(Dtype dtype, int heads, int headDim) implements Serializable {
    /** More channels than any model has. Keeps a hostile file from allocating gigabytes of statistics. */
    public static final int MAX_CHANNELS = 1 << 17;

    public Geometry {
        if (heads < 1 || headDim < 1 || (long) heads * headDim > MAX_CHANNELS) {
            throw new IllegalArgumentException(
                    "heads " + heads + " x head_dim " + headDim + " is not within 1.." + MAX_CHANNELS);
        }
    }

    /** {@code heads * headDim}. */
    public int channels() {
        return heads * headDim;
    }

    @Override
    public String toString() {
        return dtype + ", " + heads + " heads, head_dim " + headDim;
    }
}
