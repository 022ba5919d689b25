package io.kvscale.model;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import java.io.Serializable;

/**
 * What a decoder's graph and config.json agree on.
 *
 * @param cache the element type of past and present
 * @param maxPositions the most tokens of one sequence
 */
public record ModelShape(int layers, int kvHeads, int headDim, int vocabulary, int maxPositions, Dtype cache)
        implements Serializable {
    /** Of K and of V of every layer. */
    public Geometry geometry() {
        return new Geometry(cache, kvHeads, headDim);
    }

    /** Bytes of K and V that one token takes over all layers. */
    public long bytesPerToken() {
        return 2L * layers * kvHeads * headDim * cache.bytes();
    }
}
