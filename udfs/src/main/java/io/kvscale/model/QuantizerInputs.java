package io.kvscale.model;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import io.kvscale.model.onnx.CacheTensors;
import io.kvscale.model.onnx.GraphQuantizer;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;

/** The inputs with which a graph quantizes its cache; a slot without a quantizer stays in full precision. */
final class QuantizerInputs {
    private final TreeMap<Slot, ByteBuffer> parameters = new TreeMap<>();
    private final Map<Slot, GraphQuantizer> quantizers;
    private final long[] dims;

    QuantizerInputs(ModelShape shape, Map<Slot, GraphQuantizer> quantizers) {
        this.quantizers = Map.copyOf(quantizers);
        int channels = shape.geometry().channels();
        this.dims = new long[] {GraphQuantizer.ROWS, channels};
        ByteBuffer none = buffer(GraphQuantizer.ROWS * channels);
        for (Slot slot : shape.slots()) {
            GraphQuantizer quantizer = quantizers.get(slot);
            if (quantizer == null) {
                parameters.put(slot, none);
            } else {
                ByteBuffer rows = buffer(quantizer.rows().length);
                rows.asFloatBuffer().put(quantizer.rows());
                parameters.put(slot, rows);
            }
        }
    }

    private static ByteBuffer buffer(int floats) {
        return ByteBuffer.allocateDirect(floats * Float.BYTES).order(ByteOrder.nativeOrder());
    }

    boolean quantizesAny() {
        return !quantizers.isEmpty();
    }

    Iterable<Slot> quantized() {
        return quantizers.keySet();
    }

    /** @param to receives the tensors; the caller closes them */
    void put(OrtEnvironment environment, Map<String, OnnxTensor> to) throws OrtException {
        for (Map.Entry<Slot, ByteBuffer> entry : parameters.entrySet()) {
            Slot slot = entry.getKey();
            GraphQuantizer quantizer = quantizers.get(slot);
            ByteBuffer rows = entry.getValue().duplicate().order(ByteOrder.nativeOrder());
            to.put(CacheTensors.parameters(slot), OnnxTensor.createTensor(environment, rows, dims, OnnxJavaType.FLOAT));
            to.put(CacheTensors.on(slot), OnnxTensor.createTensor(environment, quantizer != null));
            to.put(
                    CacheTensors.local(slot),
                    OnnxTensor.createTensor(environment, quantizer != null && quantizer.local()));
        }
    }
}
