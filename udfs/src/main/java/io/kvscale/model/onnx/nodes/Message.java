package io.kvscale.model.onnx.nodes;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;

/** A protobuf message that is written field by field. */
final class Message {
    private final UnknownFieldSet.Builder fields = UnknownFieldSet.newBuilder();

    Message text(int field, String value) {
        return bytes(field, ByteString.copyFromUtf8(value));
    }

    Message message(int field, Message value) {
        return bytes(field, value.toBytes());
    }

    Message bytes(int field, ByteString value) {
        fields.mergeField(field, Field.newBuilder().addLengthDelimited(value).build());
        return this;
    }

    Message number(int field, long value) {
        fields.mergeField(field, Field.newBuilder().addVarint(value).build());
        return this;
    }

    Message real(int field, float value) {
        fields.mergeField(
                field,
                Field.newBuilder().addFixed32(Float.floatToRawIntBits(value)).build());
        return this;
    }

    ByteString toBytes() {
        return fields.build().toByteString();
    }
}
