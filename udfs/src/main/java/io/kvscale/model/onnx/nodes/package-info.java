/** Writes parts of ONNX graphs as protobuf messages: nodes, weights, inputs and outputs. */
@org.jspecify.annotations.NullMarked
package io.kvscale.model.onnx.nodes;
