/** Scores a decoder that runs with quantized caches. */
@org.jspecify.annotations.NullMarked
package io.kvscale.evaluation;
