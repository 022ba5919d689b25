/**
 * The ONNX graph of a decoder, read without trusting the file and checked before it runs. {@link
 * io.kvscale.model.onnx.DecoderGraph} is the way in.
 */
@org.jspecify.annotations.NullMarked
package io.kvscale.model.onnx;
