package io.kvscale.model;

/** What a decoder computes. */
public enum Outputs {
    /** K and V only: the graph runs without its lm_head. */
    CACHE,
    /** The logits of every new token too. */
    CACHE_AND_LOGITS
}
