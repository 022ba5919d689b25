package io.kvscale.model.onnx.nodes;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Inputs, outputs and weights of a graph, as fields of GraphProto in onnx.proto. */
public final class GraphParts {
    private static final int INITIALIZER = 5;
    private static final int INPUT = 11;
    private static final int OUTPUT = 12;

    private static final int FLOAT = 1;
    private static final int INT64 = 7;

    private final Message fields = new Message();

    public void input(String name, int elementType, long... dims) {
        fields.message(INPUT, value(name, elementType, dims));
    }

    public void output(String name, int elementType) {
        Message type = new Message().number(1, elementType);
        fields.message(OUTPUT, new Message().text(1, name).message(2, new Message().message(1, type)));
    }

    /** @param dims below 0 if free */
    static Message value(String name, int elementType, long... dims) {
        Message shape = new Message();
        for (long dim : dims) {
            shape.message(1, dim < 0 ? new Message() : new Message().number(1, dim));
        }
        Message type = new Message().number(1, elementType).message(2, shape);
        return new Message().text(1, name).message(2, new Message().message(1, type));
    }

    /** A scalar. */
    public void weight(String name, float value) {
        weights(name, FLOAT, little(Float.BYTES).putFloat(0, value));
    }

    /** A vector. */
    public void weights(String name, long... values) {
        ByteBuffer raw = little(values.length * Long.BYTES);
        raw.asLongBuffer().put(values);
        weights(name, INT64, raw, values.length);
    }

    /** A tensor of ones. */
    void ones(String name, long... dims) {
        int size = 1;
        for (long dim : dims) {
            size *= (int) dim;
        }
        ByteBuffer raw = little(size * Float.BYTES);
        for (int i = 0; i < size; i++) {
            raw.putFloat(i * Float.BYTES, 1);
        }
        weights(name, FLOAT, raw, dims);
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void weights(String name, int type, ByteBuffer raw, long... dims) {
        Message tensor = new Message();
        for (long dim : dims) {
            tensor.number(1, dim);
        }
        tensor.number(2, type).text(8, name).bytes(9, ByteString.copyFrom(raw));
        fields.message(INITIALIZER, tensor);
    }

    public ByteString toBytes() {
        return fields.toBytes();
    }
}
