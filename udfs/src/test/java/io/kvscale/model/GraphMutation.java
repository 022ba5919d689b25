package io.kvscale.model;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Changes an ONNX file at random: fields dropped or repeated, names swapped, dims, types and attributes changed. Every other
 * change is to small integers: axes, indices, sizes and shapes in initializers, constants and attributes.
 */
final class GraphMutation {
    private static final long[] NUMBERS = {
        0,
        1,
        -1,
        2,
        -2,
        3,
        4,
        7,
        16,
        31,
        32,
        -33,
        255,
        131_075,
        1 << 20,
        1L << 31,
        1L << 40,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    private static final int INT64 = 7;

    /** Fields that are messages, by the kind of message that holds them: see OnnxReader. */
    private static final Map<String, Map<Integer, String>> MESSAGES = Map.of(
            "model", Map.of(7, "graph", 8, "opset"),
            "graph", Map.of(1, "node", 5, "tensor", 11, "value", 12, "value", 13, "value"),
            "node", Map.of(5, "attribute"),
            "attribute", Map.of(5, "tensor", 6, "graph"),
            "value", Map.of(2, "type"),
            "type", Map.of(1, "tensorType"),
            "tensorType", Map.of(2, "shape"),
            "shape", Map.of(1, "dim"),
            "tensor", Map.of(13, "entry"));

    /** Names and other strings of each kind of message. */
    private static final Map<String, List<Integer>> STRINGS = Map.of(
            "node",
            List.of(1, 2, 3, 4, 7),
            "tensor",
            List.of(8),
            "value",
            List.of(1),
            "attribute",
            List.of(1),
            "dim",
            List.of(2));

    private static final class Message {
        private final String kind;
        private final List<Field> fields = new ArrayList<>();

        Message(String kind) {
            this.kind = kind;
        }
    }

    /** A field with a number, bytes or a message. */
    private static final class Field {
        private final int tag;
        private long number;
        private byte[] bytes = {};
        private Message message;

        Field(int tag) {
            this.tag = tag;
        }
    }

    private final Random random;
    private final List<Message> messages = new ArrayList<>();
    private final List<String> names = new ArrayList<>();

    private GraphMutation(Random random) {
        this.random = random;
    }

    static byte[] of(byte[] model, long seed) throws IOException {
        GraphMutation mutation = new GraphMutation(new Random(seed * 0x9E3779B97F4A7C15L));
        Message root = mutation.parse(model, "model");
        for (int i = mutation.random.nextInt(3); i >= 0; i--) {
            if (seed % 2 == 0) {
                mutation.mutate();
            } else {
                mutation.mutateIntegers();
            }
        }
        return bytes(root);
    }

    private Message parse(byte[] bytes, String kind) throws IOException {
        Message message = new Message(kind);
        messages.add(message);
        CodedInputStream in = CodedInputStream.newInstance(bytes);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            Field field = new Field(tag);
            message.fields.add(field);
            switch (WireFormat.getTagWireType(tag)) {
                case WireFormat.WIRETYPE_VARINT -> field.number = in.readInt64();
                case WireFormat.WIRETYPE_FIXED32 -> field.number = in.readFixed32();
                case WireFormat.WIRETYPE_FIXED64 -> field.number = in.readFixed64();
                default -> {
                    field.bytes = in.readByteArray();
                    String inner = MESSAGES.getOrDefault(kind, Map.of()).get(WireFormat.getTagFieldNumber(tag));
                    if (inner != null) {
                        field.message = parse(field.bytes, inner);
                    } else if (isString(kind, tag)) {
                        names.add(new String(field.bytes, StandardCharsets.UTF_8));
                    }
                }
            }
        }
        return message;
    }

    private static boolean isString(String kind, int tag) {
        return STRINGS.getOrDefault(kind, List.of()).contains(WireFormat.getTagFieldNumber(tag));
    }

    private void mutate() {
        Message message = messages.get(random.nextInt(messages.size()));
        if (message.fields.isEmpty()) {
            return;
        }
        int at = random.nextInt(message.fields.size());
        Field field = message.fields.get(at);
        boolean number = WireFormat.getTagWireType(field.tag) == WireFormat.WIRETYPE_VARINT;
        int kind = random.nextInt(10);
        if (kind == 0) {
            message.fields.remove(at);
        } else if (kind == 1) {
            message.fields.add(at, message.fields.get(random.nextInt(message.fields.size())));
        } else if (message.kind.equals("tensor") && kind == 2) {
            external(message);
        } else if (number) {
            field.number = random.nextBoolean()
                    ? NUMBERS[random.nextInt(NUMBERS.length)]
                    : field.number + random.nextInt(5) - 2;
        } else if (isString(message.kind, field.tag)) {
            // Another name of the file: a wrong input, a cycle, or another operator.
            field.bytes = names.get(random.nextInt(names.size())).getBytes(StandardCharsets.UTF_8);
        } else if (field.message == null && field.bytes.length > 0) {
            field.bytes = random.nextBoolean()
                    ? Arrays.copyOf(field.bytes, random.nextInt(field.bytes.length))
                    : field.bytes.clone();
            if (field.bytes.length > 0) {
                field.bytes[random.nextInt(field.bytes.length)] ^= (byte) (1 << random.nextInt(8));
            }
        }
    }

    /** Changes a number of an attribute, the values of a tensor of few integers, or the order of a node's inputs. */
    private void mutateIntegers() {
        List<Message> found = messages.stream()
                .filter(m -> m.kind.equals("node") || m.kind.equals("attribute") || isSmallIntegers(m))
                .toList();
        Message message = found.get(random.nextInt(found.size()));
        List<Field> inputs = message.fields.stream()
                .filter(f -> WireFormat.getTagFieldNumber(f.tag) == 1)
                .toList();
        if (message.kind.equals("node") && inputs.size() > 1) {
            Field other = inputs.get(1 + random.nextInt(inputs.size() - 1));
            byte[] first = inputs.get(0).bytes;
            inputs.get(0).bytes = other.bytes;
            other.bytes = first;
        }
        for (Field field : message.fields) {
            int number = WireFormat.getTagFieldNumber(field.tag);
            if (message.kind.equals("attribute") && (number == 3 || number == 8)) {
                field.number = NUMBERS[random.nextInt(NUMBERS.length)];
            } else if (message.kind.equals("tensor") && number == 9) {
                ByteBuffer values = ByteBuffer.wrap(field.bytes.clone()).order(ByteOrder.LITTLE_ENDIAN);
                values.putLong(
                        random.nextInt(values.capacity() / Long.BYTES) * Long.BYTES,
                        NUMBERS[random.nextInt(NUMBERS.length)]);
                field.bytes = values.array();
            }
        }
    }

    private static boolean isSmallIntegers(Message message) {
        return message.kind.equals("tensor")
                && message.fields.stream().anyMatch(f -> f.tag == 2 << 3 && f.number == INT64)
                && message.fields.stream()
                        .anyMatch(f -> WireFormat.getTagFieldNumber(f.tag) == 9
                                && f.bytes.length >= Long.BYTES
                                && f.bytes.length <= 32 * Long.BYTES);
    }

    private void external(Message tensor) {
        String[] places = {"../outside", "/etc/hostname", "model.onnx", "absent", "/dev/zero", ""};
        Field entry = new Field(13 << 3 | 2);
        entry.message = new Message("entry");
        for (int i = 1; i <= 2; i++) {
            Field text = new Field(i << 3 | 2);
            text.bytes = (i == 1 ? "location" : places[random.nextInt(places.length)]).getBytes(StandardCharsets.UTF_8);
            entry.message.fields.add(text);
        }
        Field place = new Field(14 << 3);
        place.number = 1;
        tensor.fields.add(entry);
        tensor.fields.add(place);
    }

    private static byte[] bytes(Message message) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        for (Field field : message.fields) {
            out.writeUInt32NoTag(field.tag);
            switch (WireFormat.getTagWireType(field.tag)) {
                case WireFormat.WIRETYPE_VARINT -> out.writeInt64NoTag(field.number);
                case WireFormat.WIRETYPE_FIXED32 -> out.writeFixed32NoTag((int) field.number);
                case WireFormat.WIRETYPE_FIXED64 -> out.writeFixed64NoTag(field.number);
                default -> out.writeByteArrayNoTag(field.message == null ? field.bytes : bytes(field.message));
            }
        }
        out.flush();
        return bytes.toByteArray();
    }
}
