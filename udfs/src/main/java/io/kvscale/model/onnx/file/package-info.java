/**
 * The structure of an ONNX file, read without trusting it: nodes, weights, inputs and outputs, and their places in the file.
 */
@org.jspecify.annotations.NullMarked
package io.kvscale.model.onnx.file;
