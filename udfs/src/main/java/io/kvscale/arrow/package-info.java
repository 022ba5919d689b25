/** Finds the tensors in K/V tables in Arrow's IPC format, file or stream; every field is checked before it is used. */
@org.jspecify.annotations.NullMarked
package io.kvscale.arrow;
