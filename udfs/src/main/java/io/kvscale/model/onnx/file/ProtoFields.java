package io.kvscale.model.onnx.file;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The fields of an untrusted ONNX file in protobuf's wire format, with bounds on names and on their number. */
final class ProtoFields {
    /** Longer than any name of a real graph. */
    private static final int MAX_NAME = 1 << 16;
    /** More nodes, weights and names than any real graph has; bounds the heap that a hostile file takes. */
    private static final int MAX_ITEMS = 1 << 22;

    private static final String REMEDY =
            "export or copy the model again; a file of a few hundred bytes may be a Git LFS pointer (git lfs pull)";

    private final CodedInputStream in;
    private final String file;
    private int items;

    ProtoFields(CodedInputStream in, String file) {
        this.in = in;
        this.file = file;
    }

    /** Reads one field of a message. */
    interface Field {
        /** @param tagAt where the field begins, counted from where the input began */
        void read(long tagAt) throws IOException;
    }

    static int bytes(int field) {
        return field << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
    }

    static int varint(int field) {
        return field << 3 | WireFormat.WIRETYPE_VARINT;
    }

    static int fixed32(int field) {
        return field << 3 | WireFormat.WIRETYPE_FIXED32;
    }

    /** Reads the fields with these tags up to the end of the message; others are skipped. */
    void fields(Map<Integer, Field> known) throws IOException {
        while (true) {
            long at = in.getTotalBytesRead();
            int tag = in.readTag();
            if (tag == 0) {
                return;
            }
            Field field = known.get(tag);
            if (field == null) {
                in.skipField(tag);
            } else {
                field.read(at);
            }
        }
    }

    /**
     * Reads a message inside a field.
     *
     * @param tagAt where the field begins
     */
    OnnxGraph.Span message(long tagAt, Map<Integer, Field> known) throws IOException {
        int length = in.readRawVarint32();
        int limit = in.pushLimit(length);
        fields(known);
        in.checkLastTagWas(0);
        if (in.getBytesUntilLimit() != 0) {
            throw new InvalidProtocolBufferException("a message ends before its length");
        }
        in.popLimit(limit);
        long end = in.getTotalBytesRead();
        return new OnnxGraph.Span(tagAt, end - length, end);
    }

    float real() throws IOException {
        return in.readFloat();
    }

    long integer() throws IOException {
        return in.readInt64();
    }

    String name() throws IOException {
        int length = in.readRawVarint32();
        if (length < 0 || length > MAX_NAME) {
            throw bad("has a name of " + Integer.toUnsignedString(length) + " bytes, at most " + MAX_NAME);
        }
        count();
        return new String(in.readRawBytes(length), StandardCharsets.UTF_8);
    }

    /** Receives an integer of a packed field. */
    interface Packed {
        void add(long value);
    }

    void packed(Packed values) throws IOException {
        int limit = in.pushLimit(in.readRawVarint32());
        while (in.getBytesUntilLimit() > 0) {
            count();
            values.add(in.readInt64());
        }
        in.popLimit(limit);
    }

    /** Counts an item that is kept. */
    void count() {
        if (++items > MAX_ITEMS) {
            throw bad("has more than " + MAX_ITEMS + " nodes, weights and names");
        }
    }

    InvalidDataException bad(String what) {
        return new InvalidDataException(
                DataProblem.of("the model " + what, REMEDY).inFile(file));
    }
}
