/** What a model's config.json says about its KV cache: layers, KV heads, head_dim, windows and rotary channels. */
@org.jspecify.annotations.NullMarked
package io.kvscale.model.config;
