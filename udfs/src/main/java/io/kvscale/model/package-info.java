/** Runs a decoder that turns token ids into K and V: its files, and one session of ONNX Runtime per JVM. */
@org.jspecify.annotations.NullMarked
package io.kvscale.model;
