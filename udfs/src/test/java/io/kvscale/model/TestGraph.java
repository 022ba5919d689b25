package io.kvscale.model;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes ONNX files for tests: a decoder's inputs and outputs, and fields that a test adds. */
public final class TestGraph {
    public static final int NODE = 1;
    public static final int INITIALIZER = 5;
    public static final int INPUT = 11;
    public static final int OUTPUT = 12;
    private static final int INT64 = 7;

    private interface Content {
        void write(CodedOutputStream out) throws IOException;
    }

    private final List<byte[]> fields = new ArrayList<>();
    private long ir = 8;
    private long operators = 17;

    /** The inputs and outputs of a decoder. */
    public static TestGraph decoder(int layers, int heads, int headDim, int type) {
        TestGraph graph = new TestGraph();
        graph.add(value(INPUT, "input_ids", INT64, -1, -1)).add(value(INPUT, "attention_mask", INT64, -1, -1));
        for (int layer = 0; layer < layers; layer++) {
            for (String role : List.of("key", "value")) {
                graph.add(value(INPUT, "past_key_values." + layer + "." + role, type, -1, heads, -1, headDim));
                graph.add(value(OUTPUT, "present." + layer + "." + role, type, -1, heads, -1, headDim));
            }
        }
        return graph;
    }

    public TestGraph add(byte[] field) {
        fields.add(field);
        return this;
    }

    public TestGraph versions(long newIr, long newOperators) {
        ir = newIr;
        operators = newOperators;
        return this;
    }

    /** Writes model.onnx and config.json. */
    public Path write(Path folder, String config) {
        try {
            Files.write(folder.resolve(TinyModel.GRAPH), model());
            Files.writeString(folder.resolve("config.json"), config);
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public byte[] model() {
        return bytes(out -> {
            out.writeInt64(1, ir);
            out.writeByteArray(7, graph());
            out.writeByteArray(8, bytes(opset -> opset.writeInt64(2, operators)));
            out.writeByteArray(8, bytes(opset -> {
                opset.writeString(1, "com.microsoft");
                opset.writeInt64(2, 1);
            }));
        });
    }

    public byte[] graph() {
        return bytes(out -> {
            for (byte[] field : fields) {
                out.writeRawBytes(field);
            }
        });
    }

    /** @param dims negative if free */
    public static byte[] value(int field, String name, int type, long... dims) {
        byte[] shape = bytes(out -> {
            for (long dim : dims) {
                out.writeByteArray(1, bytes(size -> {
                    if (dim < 0) {
                        size.writeString(2, "free");
                    } else {
                        size.writeInt64(1, dim);
                    }
                }));
            }
        });
        byte[] tensor = bytes(out -> {
            out.writeInt32(1, type);
            out.writeByteArray(2, shape);
        });
        byte[] whole = bytes(out -> {
            out.writeString(1, name);
            out.writeByteArray(2, bytes(inner -> inner.writeByteArray(1, tensor)));
        });
        return bytes(out -> out.writeByteArray(field, whole));
    }

    /** Weights in another file, with the keys and values of external_data. */
    public static byte[] external(int type, long[] dims, String... pairs) {
        return initializer("weights", type, dims, out -> {
            for (int i = 0; i < pairs.length; i += 2) {
                int at = i;
                out.writeByteArray(13, bytes(entry -> {
                    entry.writeString(1, pairs[at]);
                    entry.writeString(2, pairs[at + 1]);
                }));
            }
            out.writeInt32(14, 1);
        });
    }

    /** Weights without values, which only ONNX Runtime rejects. */
    public static byte[] weights(String name, long... dims) {
        return initializer(name, 1, dims, out -> {});
    }

    /** Integers in the graph itself. */
    public static byte[] numbers(String name, long... values) {
        return initializer(name, INT64, new long[] {values.length}, out -> {
            for (long value : values) {
                out.writeInt64(7, value);
            }
        });
    }

    /** Weights with values, in the graph itself. */
    public static byte[] floats(String name, float[] values, long... dims) {
        return initializer(name, 1, dims, out -> {
            for (float value : values) {
                out.writeFloat(4, value);
            }
        });
    }

    private static byte[] initializer(String name, int type, long[] dims, Content values) {
        byte[] tensor = bytes(out -> {
            for (long dim : dims) {
                out.writeInt64(1, dim);
            }
            out.writeInt32(2, type);
            out.writeString(8, name);
            values.write(out);
        });
        return bytes(out -> out.writeByteArray(INITIALIZER, tensor));
    }

    /** A node whose attribute holds a graph. */
    public static byte[] nodeWith(byte[] inner, String... outputs) {
        return node("If", List.of("condition"), List.of(outputs), List.of(bytes(out -> out.writeByteArray(6, inner))));
    }

    /** An attribute that holds a graph. */
    public static byte[] graph(String attribute, byte[] inner) {
        return bytes(out -> {
            out.writeString(1, attribute);
            out.writeByteArray(6, bytes(graph -> {
                graph.writeString(2, attribute);
                graph.writeRawBytes(inner);
            }));
            out.writeInt32(20, 5);
        });
    }

    public static byte[] node(String operator, List<String> inputs, List<String> outputs) {
        return node(operator, inputs, outputs, List.of());
    }

    /** A node with one integer attribute. */
    public static byte[] node(
            String operator, List<String> inputs, List<String> outputs, String attribute, long number) {
        return node(operator, inputs, outputs, List.of(number(attribute, number)));
    }

    /** An attribute with several integers. */
    public static byte[] list(String attribute, long... values) {
        return bytes(out -> {
            out.writeString(1, attribute);
            for (long value : values) {
                out.writeInt64(8, value);
            }
            out.writeInt32(20, 7);
        });
    }

    public static byte[] number(String attribute, long number) {
        return bytes(out -> {
            out.writeString(1, attribute);
            out.writeInt64(3, number);
            out.writeInt32(20, 2);
        });
    }

    public static byte[] real(String attribute, float number) {
        return bytes(out -> {
            out.writeString(1, attribute);
            out.writeFloat(2, number);
            out.writeInt32(20, 1);
        });
    }

    public static byte[] node(String operator, List<String> inputs, List<String> outputs, List<byte[]> attributes) {
        return node("", operator, inputs, outputs, attributes);
    }

    public static byte[] node(
            String domain, String operator, List<String> inputs, List<String> outputs, List<byte[]> attributes) {
        byte[] node = bytes(out -> {
            for (String input : inputs) {
                out.writeString(1, input);
            }
            for (String output : outputs) {
                out.writeString(2, output);
            }
            out.writeString(4, operator);
            for (byte[] attribute : attributes) {
                out.writeByteArray(5, attribute);
            }
            if (!domain.isEmpty()) {
                out.writeString(7, domain);
            }
        });
        return bytes(out -> out.writeByteArray(NODE, node));
    }

    private static byte[] bytes(Content content) {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            CodedOutputStream out = CodedOutputStream.newInstance(bytes);
            content.write(out);
            out.flush();
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static String config(int layers, int heads, int headDim) {
        return "{\"num_hidden_layers\": " + layers + ", \"num_attention_heads\": " + heads + ", \"head_dim\": "
                + headDim + ", \"vocab_size\": 512, \"max_position_embeddings\": 64}";
    }

    public static byte[] longName() {
        return value(INPUT, new String(new byte[1 << 17], StandardCharsets.UTF_8), INT64);
    }
}
