package io.kvscale.tensor;

import io.kvscale.numeric.Dtype;
import java.io.Serializable;

/** What every tensor of a slot has in common: the element type, {@code kv_heads} and {@code head_dim}. */
public record Geometry(Dtype dtype, int heads, int headDim) implements Serializable {
    /** More channels than any model has; keeps a hostile header from claiming gigabytes of statistics. */
    public static final int MAX_CHANNELS = 1 << 17;

    public Geometry {
        if (heads < 1 || headDim < 1 || (long) heads * headDim > MAX_CHANNELS) {
            throw new IllegalArgumentException(
                    "heads " + heads + " x head_dim " + headDim + " is not within 1.." + MAX_CHANNELS);
        }
    }

    /** heads x head_dim. */
    public int channels() {
        return heads * headDim;
    }

    @Override
    public String toString() {
        return dtype + ", " + heads + " heads, head_dim " + headDim;
    }
}
