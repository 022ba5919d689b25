/** Input files of any kind: listing, splitting into tasks, reading in blocks. */
@org.jspecify.annotations.NullMarked
package io.kvscale.input;
