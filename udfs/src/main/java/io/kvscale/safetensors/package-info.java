/** The safetensors format, read and written without trusting the file. */
@org.jspecify.annotations.NullMarked
package io.kvscale.safetensors;
