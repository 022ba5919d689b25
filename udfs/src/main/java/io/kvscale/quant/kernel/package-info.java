/** Quantization of runs of values, with the Vector API or without. */
@org.jspecify.annotations.NullMarked
package io.kvscale.quant.kernel;
