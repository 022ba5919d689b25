/** Tables of K and V in Arrow's IPC format, file or stream: where the tensors lie, without reading or trusting them. */
@org.jspecify.annotations.NullMarked
package io.kvscale.arrow;
