/** The quantized KV cache that a task runs: update, fake-quantize, residual window, sequence length, reset. */
@org.jspecify.annotations.NullMarked
package io.kvscale.cache;
