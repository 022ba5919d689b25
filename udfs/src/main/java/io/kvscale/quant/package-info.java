/** From statistics to scales, and from floats to codes and back. {@link ScaleSolver} and {@link Quantizer} are the ways in. */
@org.jspecify.annotations.NullMarked
package io.kvscale.quant;
