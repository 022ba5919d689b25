package io.kvscale.cache;

import io.kvscale.tensor.KvTensor;

/** Keys and values of one layer, each {@code [batch, heads, tokens, head_dim]}. */
public record KvPair(KvTensor key, KvTensor value) {}
