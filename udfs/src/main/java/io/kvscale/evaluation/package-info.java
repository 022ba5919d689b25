/** Scores decoders that run with quantized KV caches. */
@org.jspecify.annotations.NullMarked
package io.kvscale.evaluation;
