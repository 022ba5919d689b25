package io.kvscale.model;

/** The outputs that a decoder computes. */
public enum Outputs {
    /** K and V; lm_head is not run. */
    CACHE,
    /** K and V, and the logits of every new token. */
    CACHE_AND_LOGITS,
    /** As {@link #CACHE_AND_LOGITS}, with quantization in the graph: all tokens attend to quantized K and V. */
    QUANTIZED
}
