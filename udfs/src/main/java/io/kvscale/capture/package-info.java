/** Which tensors of which files are K and V of which layer, their layout, mask and splits. */
@org.jspecify.annotations.NullMarked
package io.kvscale.capture;
