/** The quantized KV cache: observe, update, fake-quantize, residual window, sequence length, reset. */
@org.jspecify.annotations.NullMarked
package io.kvscale.cache;
