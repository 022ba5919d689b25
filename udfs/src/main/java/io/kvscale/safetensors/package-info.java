/** Reads and writes the safetensors format; every field of a file is checked before it is used. */
@org.jspecify.annotations.NullMarked
package io.kvscale.safetensors;
