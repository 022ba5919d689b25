package io.kvscale.cache;

import io.kvscale.tensor.KvTensor;

/** K and V of one layer, each {@code [batch, kv_heads, tokens, head_dim]}. */
public record KvPair(KvTensor key, KvTensor value) {}
