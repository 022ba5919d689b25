package io.kvscale.model;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.model.onnx.file.OnnxTypes;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.TreeMap;

/** K and V of all layers in native memory, each {@code [rows, kv_heads, tokens, head_dim]}. */
final class CacheBuffers implements AutoCloseable {
    private final ModelShape shape;
    private final TreeMap<Slot, NativeBuffer> memory = new TreeMap<>();
    private final TreeMap<Slot, ByteBuffer> views = new TreeMap<>();
    private int rows;
    private int tokens;

    CacheBuffers(ModelShape shape) {
        this.shape = shape;
        shape.slots().forEach(slot -> memory.put(slot, new NativeBuffer()));
    }

    /** Sets the size; the content is lost. */
    void resize(int newRows, int newTokens) {
        rows = newRows;
        tokens = newTokens;
        views.clear();
        long bytes = shape.bytesPerToken() / (2L * shape.layers()) * rows * tokens;
        memory.forEach((slot, buffer) -> views.put(slot, buffer.take(bytes)));
    }

    /** The memory of a slot as a tensor that ONNX Runtime reads and writes in place; the caller closes it. */
    OnnxTensor tensor(OrtEnvironment environment, Slot slot) throws OrtException {
        long[] dims = {rows, shape.kvHeads(), tokens, shape.headDim()};
        return OnnxTensor.createTensor(environment, view(slot), dims, OnnxTypes.javaType(shape.cache()));
    }

    KvTensor values(Slot slot) {
        return new KvTensor(shape.geometry(), rows, tokens, view(slot));
    }

    private ByteBuffer view(Slot slot) {
        ByteBuffer view = views.get(slot);
        if (view == null) {
            throw new IllegalArgumentException(slot + ": the model has " + shape.layers() + " layers");
        }
        return view.duplicate().order(view.order());
    }

    Iterable<Slot> slots() {
        return memory.keySet();
    }

    @Override
    public void close() {
        views.clear();
        memory.values().forEach(NativeBuffer::close);
    }
}
