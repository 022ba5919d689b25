/** Quantization kernels, with the Vector API and scalar. {@link QuantKernels} chooses one. */
@org.jspecify.annotations.NullMarked
package io.kvscale.quant.kernel;
