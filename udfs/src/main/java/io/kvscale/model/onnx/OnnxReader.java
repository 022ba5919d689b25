package io.kvscale.model.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the structure of an untrusted ONNX file from its wire format; values of weights are skipped.
 *
 * <p>Field numbers are those of onnx.proto:
 *
 * <pre>
 * ModelProto      1 ir_version, 7 graph, 8 opset_import, 25 functions
 * OperatorSetIdProto  1 domain, 2 version
 * FunctionProto   7 node
 * GraphProto      1 node, 5 initializer, 11 input, 12 output
 * NodeProto       1 input, 2 output, 4 op_type, 5 attribute
 * AttributeProto  1 name, 3 i, 5 t, 6 g, 10 tensors, 11 graphs
 * TensorProto     1 dims, 2 data_type, 8 name, 13 external_data
 * ValueInfoProto  1 name, 2 type -> 1 tensor_type -> 1 elem_type, 2 shape -> 1 dim -> 1 dim_value
 * StringStringEntryProto  1 key, 2 value
 * </pre>
 */
public final class OnnxReader {
    /** Longer than any name of a real graph. */
    private static final int MAX_NAME = 1 << 16;
    /** More nodes, weights or names than any real graph has; keeps a hostile file from filling the heap. */
    private static final int MAX_ITEMS = 1 << 22;

    private static final int MAX_DEPTH = 16;

    private static final String REMEDY =
            "export or copy the model again; a file of a few hundred bytes may be a Git LFS pointer (git lfs pull)";

    private final CodedInputStream in;
    private final String file;
    private final List<OnnxTensorEntry> external = new ArrayList<>();
    private int items;

    private OnnxReader(CodedInputStream in, String file) {
        this.in = in;
        this.file = file;
    }

    /**
     * @param in at the file's first byte; it is not closed
     * @throws InvalidDataException if it is no ONNX file or not a whole one
     */
    public static OnnxGraph read(InputStream in, String file) throws IOException {
        CodedInputStream coded = CodedInputStream.newInstance(in);
        coded.setSizeLimit(Integer.MAX_VALUE);
        return read(coded, file);
    }

    /** As the other; positions of fields are counted from where {@code in} began. */
    public static OnnxGraph read(CodedInputStream in, String file) throws IOException {
        try {
            return new OnnxReader(in, file).model();
        } catch (InvalidProtocolBufferException e) {
            throw bad("is no ONNX model or is cut short, near byte " + in.getTotalBytesRead(), file);
        }
    }

    /** @throws InvalidDataException if a file of so many bytes is no ONNX file, which protobuf bounds */
    public static void checkSize(long bytes, String file) {
        if (bytes > Integer.MAX_VALUE) {
            throw new InvalidDataException(DataProblem.of(
                            "the model's graph has " + bytes + " bytes, ONNX allows 2 GB",
                            "export with external data: weights in a file beside the graph")
                    .inFile(file));
        }
    }

    private static InvalidDataException bad(String what, String file) {
        return new InvalidDataException(
                DataProblem.of("the model " + what, REMEDY).inFile(file));
    }

    /** One field of a message; what is not read is skipped. */
    private interface Field {
        /** @return whether the field was read */
        boolean read(int tag, long tagAt) throws IOException;
    }

    private void fields(Field field) throws IOException {
        while (true) {
            long at = in.getTotalBytesRead();
            int tag = in.readTag();
            if (tag == 0) {
                return;
            }
            if (!field.read(tag, at)) {
                in.skipField(tag);
            }
        }
    }

    private void message(Field field) throws IOException {
        int length = in.readRawVarint32();
        int limit = in.pushLimit(length);
        fields(field);
        in.checkLastTagWas(0);
        if (in.getBytesUntilLimit() != 0) {
            throw new InvalidProtocolBufferException("a message ends before its length");
        }
        in.popLimit(limit);
    }

    private static int bytes(int field) {
        return field << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
    }

    private static int varint(int field) {
        return field << 3 | WireFormat.WIRETYPE_VARINT;
    }

    private OnnxGraph model() throws IOException {
        List<OnnxGraph> graphs = new ArrayList<>();
        int[] opsets = new int[1];
        long[] versions = new long[2];
        fields((tag, at) -> {
            if (tag == bytes(7)) {
                if (!graphs.isEmpty()) {
                    throw bad("has more than one graph: it is no ONNX model", file);
                }
                graphs.add(graph(0));
            } else if (tag == bytes(25)) {
                message((inner, innerAt) -> inner == bytes(7) && node(innerAt, 0) != null);
            } else if (tag == bytes(8)) {
                opsets[0]++;
                versions[1] = Math.max(versions[1], operatorSet());
            } else if (tag == varint(1)) {
                versions[0] = in.readInt64();
            } else {
                return false;
            }
            return true;
        });
        if (graphs.isEmpty()) {
            throw bad("has no graph: it is no ONNX model or is cut short", file);
        }
        if (opsets[0] == 0) {
            throw bad("names no operator set: it is cut short", file);
        }
        OnnxVersions.check(versions[0], versions[1], file);
        return graphs.get(0);
    }

    /** The version of ONNX's own operators; 0 if it is about those of another domain. */
    private long operatorSet() throws IOException {
        String[] domain = {""};
        long[] version = new long[1];
        message((tag, at) -> {
            if (tag == bytes(1)) {
                domain[0] = name();
            } else if (tag == varint(2)) {
                version[0] = in.readInt64();
            } else {
                return false;
            }
            return true;
        });
        return domain[0].isEmpty() ? version[0] : 0;
    }

    private OnnxGraph graph(int depth) throws IOException {
        if (depth > MAX_DEPTH) {
            throw bad("has graphs inside of graphs, more than " + MAX_DEPTH + " deep", file);
        }
        count();
        List<OnnxValue> inputs = new ArrayList<>();
        List<OnnxValue> outputs = new ArrayList<>();
        List<OnnxNode> nodes = new ArrayList<>();
        Map<String, OnnxTensorEntry> initializers = new HashMap<>();
        message((tag, at) -> {
            if (tag == bytes(1)) {
                nodes.add(node(at, depth));
            } else if (tag == bytes(5)) {
                OnnxTensorEntry weights = tensor();
                initializers.put(weights.name(), weights);
            } else if (tag == bytes(11)) {
                inputs.add(value(at));
            } else if (tag == bytes(12)) {
                outputs.add(value(at));
            } else {
                return false;
            }
            return true;
        });
        return new OnnxGraph(inputs, outputs, nodes, initializers, external);
    }

    private OnnxNode node(long tagAt, int depth) throws IOException {
        List<String> uses = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        Map<String, Long> numbers = new HashMap<>();
        String[] operator = {""};
        message((tag, at) -> {
            if (tag == bytes(1)) {
                uses.add(name());
            } else if (tag == bytes(2)) {
                outputs.add(name());
            } else if (tag == bytes(4)) {
                operator[0] = name();
            } else if (tag == bytes(5)) {
                attribute(uses, numbers, depth);
            } else {
                return false;
            }
            return true;
        });
        count();
        return new OnnxNode(operator[0], uses, outputs, Map.copyOf(numbers), tagAt);
    }

    private void attribute(List<String> uses, Map<String, Long> numbers, int depth) throws IOException {
        String[] name = {""};
        message((tag, at) -> {
            if (tag == bytes(1)) {
                name[0] = name();
            } else if (tag == varint(3)) {
                numbers.put(name[0], in.readInt64());
            } else if (tag == bytes(5) || tag == bytes(10)) {
                tensor();
            } else if (tag == bytes(6) || tag == bytes(11)) {
                OnnxGraph inner = graph(depth + 1);
                // Which of these are the inner graph's own does not matter: a node too many is kept, none too few.
                inner.nodes().forEach(node -> uses.addAll(node.uses()));
                inner.outputs().forEach(output -> uses.add(output.name()));
            } else {
                return false;
            }
            return true;
        });
    }

    private OnnxTensorEntry tensor() throws IOException {
        List<Long> dims = new ArrayList<>();
        int[] type = new int[1];
        String[] name = {""};
        Map<String, String> where = new HashMap<>();
        message((tag, at) -> {
            if (tag == varint(1)) {
                count();
                dims.add(in.readInt64());
            } else if (tag == bytes(1)) {
                int limit = in.pushLimit(in.readRawVarint32());
                while (in.getBytesUntilLimit() > 0) {
                    count();
                    dims.add(in.readInt64());
                }
                in.popLimit(limit);
            } else if (tag == varint(2)) {
                type[0] = in.readInt32();
            } else if (tag == bytes(8)) {
                name[0] = name();
            } else if (tag == bytes(13)) {
                entry(where);
            } else {
                return false;
            }
            return true;
        });
        count();
        OnnxTensorEntry weights = new OnnxTensorEntry(
                name[0],
                type[0],
                dims,
                where.get("location"),
                number(where.getOrDefault("offset", "0"), name[0]),
                where.containsKey("length") ? number(where.get("length"), name[0]) : -1);
        if (weights.location() != null) {
            external.add(weights);
        }
        return weights;
    }

    private long number(String digits, String name) {
        if (!digits.matches("\\d{1,18}")) {
            throw bad(
                    "gives \"" + DataProblem.shown(digits) + "\" as place of the weights " + DataProblem.shown(name)
                            + " in their file, digits expected",
                    file);
        }
        return Long.parseLong(digits);
    }

    private void entry(Map<String, String> to) throws IOException {
        String[] pair = {"", ""};
        message((tag, at) -> {
            if (tag != bytes(1) && tag != bytes(2)) {
                return false;
            }
            pair[tag == bytes(1) ? 0 : 1] = name();
            return true;
        });
        to.put(pair[0], pair[1]);
    }

    private OnnxValue value(long tagAt) throws IOException {
        String[] name = {""};
        int[] type = new int[1];
        List<Long> dims = new ArrayList<>();
        message((tag, at) -> {
            if (tag == bytes(1)) {
                name[0] = name();
                return true;
            }
            if (tag == bytes(2)) {
                message((inner, innerAt) -> inner == bytes(1) && tensorType(type, dims));
                return true;
            }
            return false;
        });
        count();
        return new OnnxValue(name[0], type[0], dims, tagAt);
    }

    private boolean tensorType(int[] type, List<Long> dims) throws IOException {
        message((tag, at) -> {
            if (tag == varint(1)) {
                type[0] = in.readInt32();
                return true;
            }
            if (tag == bytes(2)) {
                message((inner, innerAt) -> inner == bytes(1) && dim(dims));
                return true;
            }
            return false;
        });
        return true;
    }

    private boolean dim(List<Long> dims) throws IOException {
        long[] size = {OnnxValue.FREE};
        message((tag, at) -> {
            if (tag == varint(1)) {
                size[0] = in.readInt64();
                return true;
            }
            return false;
        });
        count();
        dims.add(size[0]);
        return true;
    }

    private String name() throws IOException {
        int length = in.readRawVarint32();
        if (length < 0 || length > MAX_NAME) {
            throw bad("has a name of " + Integer.toUnsignedString(length) + " bytes, at most " + MAX_NAME, file);
        }
        count();
        return new String(in.readRawBytes(length), StandardCharsets.UTF_8);
    }

    private void count() {
        if (++items > MAX_ITEMS) {
            throw bad("has more than " + MAX_ITEMS + " nodes, weights and names", file);
        }
    }
}
