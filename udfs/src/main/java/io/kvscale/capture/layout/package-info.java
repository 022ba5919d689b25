/** Which tensors and table rows are K or V of which layer, and how their axes are ordered. */
@org.jspecify.annotations.NullMarked
package io.kvscale.capture.layout;
