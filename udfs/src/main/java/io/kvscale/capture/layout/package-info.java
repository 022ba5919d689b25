/** Decides which tensors and table rows are K or V of which layer, and what their axes are. */
@org.jspecify.annotations.NullMarked
package io.kvscale.capture.layout;
