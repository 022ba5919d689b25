/** Read-only views of K and V values, and the slot (layer, role) that they belong to. */
@org.jspecify.annotations.NullMarked
package io.kvscale.tensor;
