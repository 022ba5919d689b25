/** From an observed range to a scale; from floats to codes and back. */
@org.jspecify.annotations.NullMarked
package io.kvscale.quant;
