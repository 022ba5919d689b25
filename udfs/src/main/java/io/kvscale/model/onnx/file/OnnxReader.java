package io.kvscale.model.onnx.file;

import static io.kvscale.model.onnx.file.ProtoFields.bytes;
import static io.kvscale.model.onnx.file.ProtoFields.fixed32;
import static io.kvscale.model.onnx.file.ProtoFields.varint;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kvscale.model.onnx.file.OnnxGraph.Node;
import io.kvscale.model.onnx.file.OnnxGraph.Value;
import io.kvscale.model.onnx.file.OnnxGraph.Weights;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
 * NodeProto       1 input, 2 output, 4 op_type, 5 attribute, 7 domain
 * AttributeProto  1 name, 2 f, 3 i, 5 t, 6 g, 10 tensors, 11 graphs
 * TensorProto     1 dims, 2 data_type, 8 name, 13 external_data
 * ValueInfoProto  1 name, 2 type -> 1 tensor_type -> 1 elem_type, 2 shape -> 1 dim -> 1 dim_value
 * StringStringEntryProto  1 key, 2 value
 * </pre>
 */
public final class OnnxReader {
    /** The tag of the field that holds the graph. */
    public static final int GRAPH_TAG = bytes(7);

    private static final int MAX_DEPTH = 16;

    /** A dense decoder has about 100 nodes a layer; one that is exported with 48 times 128 experts has 60,000. */
    private static final int MAX_NODES = 100_000;

    private final ProtoFields in;
    private final String file;
    private final List<Weights> external = new ArrayList<>();
    private int nodes;

    private OnnxReader(CodedInputStream in, String file) {
        this.in = new ProtoFields(in, file);
        this.file = file;
    }

    /**
     * @param in at the file's first byte; it is not closed
     * @throws InvalidDataException if it is not an ONNX file or is cut short
     */
    public static OnnxGraph read(InputStream in, String file) throws IOException {
        CodedInputStream coded = CodedInputStream.newInstance(in);
        coded.setSizeLimit(Integer.MAX_VALUE);
        return read(coded, file);
    }

    /** As {@link #read(InputStream, String)}; positions of fields count from where {@code in} began. */
    public static OnnxGraph read(CodedInputStream in, String file) throws IOException {
        OnnxReader reader = new OnnxReader(in, file);
        try {
            return reader.model();
        } catch (InvalidProtocolBufferException e) {
            throw reader.in.bad("is not an ONNX model or is cut short, near byte " + in.getTotalBytesRead());
        }
    }

    private OnnxGraph model() throws IOException {
        List<OnnxGraph> graphs = new ArrayList<>();
        int[] opsets = new int[1];
        long[] versions = new long[2];
        in.fields(Map.of(
                varint(1),
                at -> versions[0] = in.integer(),
                GRAPH_TAG,
                at -> {
                    if (!graphs.isEmpty()) {
                        throw in.bad("has more than one graph: it is not an ONNX model");
                    }
                    graphs.add(graph(at, 0));
                },
                bytes(8),
                at -> {
                    opsets[0]++;
                    versions[1] = Math.max(versions[1], operatorSet(at));
                },
                bytes(25),
                at -> in.message(at, Map.of(bytes(7), inner -> node(inner, 0)))));
        if (graphs.isEmpty()) {
            throw in.bad("has no graph: it is not an ONNX model or is cut short");
        }
        if (opsets[0] == 0) {
            throw in.bad("has no operator set: it is cut short");
        }
        OnnxVersions.check(versions[0], versions[1], file);
        return graphs.get(0).withOperators(versions[1]);
    }

    /** The version of the standard operator set; 0 for the set of another domain. */
    private long operatorSet(long tagAt) throws IOException {
        String[] domain = {""};
        long[] version = new long[1];
        in.message(tagAt, Map.of(bytes(1), at -> domain[0] = in.name(), varint(2), at -> version[0] = in.integer()));
        return domain[0].isEmpty() ? version[0] : 0;
    }

    private OnnxGraph graph(long tagAt, int depth) throws IOException {
        if (depth > MAX_DEPTH) {
            throw in.bad("nests graphs more than " + MAX_DEPTH + " deep");
        }
        in.count();
        List<Value> inputs = new ArrayList<>();
        List<Value> outputs = new ArrayList<>();
        List<Node> all = new ArrayList<>();
        Map<String, Weights> initializers = new HashMap<>();
        OnnxGraph.Span span = in.message(
                tagAt,
                Map.of(
                        bytes(1), at -> all.add(node(at, depth)),
                        bytes(5),
                                at -> {
                                    Weights weights = tensor(at);
                                    initializers.put(weights.name(), weights);
                                },
                        bytes(11), at -> inputs.add(value(at)),
                        bytes(12), at -> outputs.add(value(at))));
        return new OnnxGraph(inputs, outputs, all, initializers, external, 0, span);
    }

    private Node node(long tagAt, int depth) throws IOException {
        List<String> inputs = new ArrayList<>();
        List<String> captured = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        Set<String> attributes = new HashSet<>();
        Map<String, Long> numbers = new HashMap<>();
        Map<String, Float> reals = new HashMap<>();
        String[] names = {"", ""};
        OnnxGraph.Span span = in.message(
                tagAt,
                Map.of(
                        bytes(1), at -> inputs.add(in.name()),
                        bytes(2), at -> outputs.add(in.name()),
                        bytes(4), at -> names[0] = in.name(),
                        bytes(5), at -> attributes.add(attribute(at, captured, numbers, reals, depth)),
                        bytes(7), at -> names[1] = in.name()));
        in.count();
        if (++nodes > MAX_NODES) {
            throw new InvalidDataException(DataProblem.of(
                            "the model's graph has more than " + MAX_NODES
                                    + " nodes, for which ONNX Runtime takes minutes",
                            "export it with fused operators: python -m onnxruntime_genai.models.builder -i HF_DIR -o OUT -p"
                                    + " fp32 -e cpu")
                    .inFile(file));
        }
        return new Node(
                names[1],
                names[0],
                inputs,
                captured,
                outputs,
                Set.copyOf(attributes),
                Map.copyOf(numbers),
                Map.copyOf(reals),
                span);
    }

    /** @return its name */
    private String attribute(
            long tagAt, List<String> captured, Map<String, Long> numbers, Map<String, Float> reals, int depth)
            throws IOException {
        String[] name = {""};
        ProtoFields.Field tensor = this::tensor;
        ProtoFields.Field graph = at -> {
            OnnxGraph inner = graph(at, depth + 1);
            // Names of the inner graph itself are included: at worst a node is kept that nothing needs.
            inner.nodes().forEach(node -> captured.addAll(node.uses()));
            inner.outputs().forEach(output -> captured.add(output.name()));
        };
        in.message(
                tagAt,
                Map.of(
                        bytes(1), at -> name[0] = in.name(),
                        fixed32(2), at -> reals.put(name[0], in.real()),
                        varint(3), at -> numbers.put(name[0], in.integer()),
                        bytes(5), tensor,
                        bytes(6), graph,
                        bytes(10), tensor,
                        bytes(11), graph));
        return name[0];
    }

    private Weights tensor(long tagAt) throws IOException {
        List<Long> dims = new ArrayList<>();
        int[] type = new int[1];
        String[] name = {""};
        Map<String, String> where = new HashMap<>();
        in.message(
                tagAt,
                Map.of(
                        varint(1),
                                at -> {
                                    in.count();
                                    dims.add(in.integer());
                                },
                        bytes(1), at -> in.packed(dims::add),
                        varint(2), at -> type[0] = (int) in.integer(),
                        bytes(8), at -> name[0] = in.name(),
                        bytes(13), at -> entry(at, where)));
        in.count();
        Weights weights = new Weights(
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
            throw in.bad("gives \"" + DataProblem.shown(digits) + "\" as offset or length of the weights "
                    + DataProblem.shown(name) + ", expected digits");
        }
        return Long.parseLong(digits);
    }

    private void entry(long tagAt, Map<String, String> to) throws IOException {
        String[] pair = {"", ""};
        in.message(tagAt, Map.of(bytes(1), at -> pair[0] = in.name(), bytes(2), at -> pair[1] = in.name()));
        to.put(pair[0], pair[1]);
    }

    private Value value(long tagAt) throws IOException {
        String[] name = {""};
        int[] type = new int[1];
        List<Long> dims = new ArrayList<>();
        ProtoFields.Field tensorType = at -> in.message(
                at,
                Map.of(
                        varint(1), elem -> type[0] = (int) in.integer(),
                        bytes(2), shape -> in.message(shape, Map.of(bytes(1), dim -> dims.add(dim(dim))))));
        in.message(
                tagAt,
                Map.of(
                        bytes(1), at -> name[0] = in.name(),
                        bytes(2), at -> in.message(at, Map.of(bytes(1), tensorType))));
        in.count();
        return new Value(name[0], type[0], dims, tagAt);
    }

    private long dim(long tagAt) throws IOException {
        long[] size = {Value.FREE};
        in.message(tagAt, Map.of(varint(1), at -> size[0] = in.integer()));
        in.count();
        return size[0];
    }
}
