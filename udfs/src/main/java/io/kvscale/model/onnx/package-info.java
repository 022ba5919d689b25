/** The ONNX graph of a decoder: read without trusting the file, checked before it runs. */
@org.jspecify.annotations.NullMarked
package io.kvscale.model.onnx;
