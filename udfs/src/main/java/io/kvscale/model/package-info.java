/** A decoder that turns token ids into K and V: an ONNX graph, its files, and one session of ONNX Runtime a JVM. */
@org.jspecify.annotations.NullMarked
package io.kvscale.model;
