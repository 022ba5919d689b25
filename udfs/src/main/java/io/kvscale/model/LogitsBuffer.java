package io.kvscale.model;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import io.kvscale.model.onnx.file.OnnxTypes;
import io.kvscale.numeric.Dtype;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** The logits of one feed in native memory, in the model's type and as f32. */
final class LogitsBuffer implements AutoCloseable {
    private final ModelSession session;
    private final Dtype dtype;
    private final NativeBuffer memory = new NativeBuffer();
    private final NativeBuffer widened = new NativeBuffer();
    private ByteBuffer values = ByteBuffer.allocateDirect(0);

    LogitsBuffer(ModelSession session, Dtype dtype) {
        this.session = session;
        this.dtype = dtype;
    }

    /** The tensor that the model writes its logits to; the caller closes it. */
    OnnxTensor tensor(int rows, int added) throws OrtException {
        long[] dims = {rows, added, session.shape().vocabulary()};
        values = memory.take(dims[0] * dims[1] * dims[2] * dtype.bytes());
        return OnnxTensor.createTensor(
                session.environment(), values.duplicate().order(values.order()), dims, OnnxTypes.javaType(dtype));
    }

    /** {@code [rows, tokens, vocabulary]}. */
    FloatBuffer floats() {
        if (dtype == Dtype.F32) {
            return values.asFloatBuffer();
        }
        int size = values.capacity() / dtype.bytes();
        FloatBuffer floats = widened.take(4L * size).asFloatBuffer();
        for (int i = 0; i < size; i++) {
            floats.put(i, dtype.toFloat(values.getShort(i * 2) & 0xffff));
        }
        return floats;
    }

    @Override
    public void close() {
        memory.close();
        widened.close();
    }
}
