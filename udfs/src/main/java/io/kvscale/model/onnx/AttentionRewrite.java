package io.kvscale.model.onnx;

import com.google.protobuf.ByteString;
import io.kvscale.model.onnx.file.OnnxGraph;
import io.kvscale.model.onnx.file.OnnxGraph.Node;
import io.kvscale.model.onnx.file.OnnxTypes;
import io.kvscale.model.onnx.nodes.Attribute;
import io.kvscale.model.onnx.nodes.GraphParts;
import io.kvscale.model.onnx.nodes.NodeList;
import io.kvscale.model.onnx.nodes.QuantizerNodes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Puts fake quantization between where a graph makes K and V and where its cache takes them. So every token attends to
 * quantized tokens only, its own K and V included, and past and present hold quantized values.
 *
 * <p>Two forms of graphs are known: a Concat of past and new values, whatever attention reads it; and the operators
 * GroupQueryAttention and MultiHeadAttention of ONNX Runtime, which hold the cache. Where GroupQueryAttention applies
 * RoPE itself, an operator RotaryEmbedding does so before it.
 */
final class AttentionRewrite {
    /** Reads negative axes and axes as inputs. */
    private static final int LEAST_OPERATORS = 13;

    private static final Set<String> GROUPED_ATTRIBUTES = Set.of(
            "num_heads",
            "kv_num_heads",
            "scale",
            "softcap",
            "local_window_size",
            "smooth_softmax",
            "do_rotary",
            "rotary_interleaved");

    private static final Set<String> MULTI_HEAD_ATTRIBUTES =
            Set.of("num_heads", "scale", "mask_filter_value", "unidirectional");

    private static final String MICROSOFT = "com.microsoft";
    private static final String PREFIX = QuantizerNodes.PREFIX;
    private static final String HEADS_APART = PREFIX + "heads_apart";
    private static final String HEADS_AXIS = PREFIX + "heads_axis";
    private static final String CHANNELS_LAST = PREFIX + "channels_last";
    private static final String TOKENS_AXIS = PREFIX + "tokens_axis";

    private final OnnxGraph graph;
    private final ModelShape shape;
    private final Map<String, Node> producers;
    private final Map<String, List<Node>> readers = new HashMap<>();
    private final int cacheType;
    private final GraphParts parts = new GraphParts();
    private final TreeMap<Long, ByteString> replacements = new TreeMap<>();
    private final QuantizerNodes quantizers;

    /** The graph has a form that is not known. */
    private static final class Obstacle extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Obstacle(String what) {
            super(what, null, false, false);
        }
    }

    private AttentionRewrite(OnnxGraph graph, ModelShape shape) {
        this.graph = graph;
        this.shape = shape;
        this.producers = graph.producers();
        graph.nodes()
                .forEach(node -> node.uses()
                        .forEach(name -> readers.computeIfAbsent(name, n -> new ArrayList<>())
                                .add(node)));
        this.cacheType = OnnxTypes.number(shape.cache());
        this.quantizers = new QuantizerNodes(parts, cacheType, graph.operators());
    }

    /** What a graph becomes, or why it cannot: exactly one is null. */
    record Result(
            @Nullable AttentionRewrite rewrite, @Nullable String obstacle) {}

    static Result of(OnnxGraph graph, ModelShape shape) {
        try {
            AttentionRewrite rewrite = new AttentionRewrite(graph, shape);
            rewrite.all();
            return new Result(rewrite, null);
        } catch (Obstacle e) {
            return new Result(null, e.getMessage());
        }
    }

    /** The nodes that replace a node, as fields of GraphProto, by the place of its field in the file. */
    TreeMap<Long, ByteString> replacements() {
        return replacements;
    }

    /** Inputs, outputs and weights to add, as fields of GraphProto. */
    ByteString added() {
        return parts.toBytes();
    }

    private void all() {
        if (graph.operators() < LEAST_OPERATORS) {
            throw new Obstacle(
                    "it has ONNX operator set " + graph.operators() + ", at least " + LEAST_OPERATORS + " is needed");
        }
        checkNames();
        parts.weights(HEADS_APART, 0, 0, shape.kvHeads(), shape.headDim());
        parts.weights(HEADS_AXIS, QuantizerNodes.ROWS, shape.kvHeads(), 1, shape.headDim());
        parts.weights(CHANNELS_LAST, QuantizerNodes.ROWS, shape.geometry().channels());
        parts.weights(TOKENS_AXIS, 2);
        for (int layer = 0; layer < shape.layers(); layer++) {
            layer(new Slot(layer, Role.KEY), new Slot(layer, Role.VALUE));
        }
    }

    private void checkNames() {
        Set<String> names = new HashSet<>(graph.initializers().keySet());
        graph.inputs().forEach(input -> names.add(input.name()));
        graph.nodes().forEach(node -> {
            names.addAll(node.outputs());
            names.addAll(node.captured());
        });
        for (String name : names) {
            if (name.startsWith(PREFIX)) {
                throw new Obstacle("it has a tensor named " + DataProblem.shown(name));
            }
        }
    }

    private void layer(Slot key, Slot value) {
        Node keys = producer(key);
        Node values = producer(value);
        if (keys != values) {
            concat(key, keys);
            concat(value, values);
        } else if (keys.isMicrosoft("GroupQueryAttention")) {
            grouped(key, value, keys);
        } else if (keys.isMicrosoft("MultiHeadAttention")) {
            multiHead(key, value, keys);
        } else {
            throw unknown(key, keys);
        }
    }

    private Node producer(Slot slot) {
        Node node = producers.get(CacheTensors.present(slot));
        if (node == null) {
            throw new Obstacle(CacheTensors.present(slot) + " is not the output of an operator");
        }
        return node;
    }

    private static Obstacle unknown(Slot slot, Node node) {
        return new Obstacle(
                CacheTensors.present(slot) + " comes from an operator " + DataProblem.shown(node.operator()));
    }

    /** present = Concat(past, new), perhaps with a Cast of past and of present. */
    private void concat(Slot slot, Node present) {
        Node concat = present;
        if (present.isStandard("Cast")) {
            concat = producers.get(present.input(0));
        }
        if (concat == null || !concat.isStandard("Concat") || concat.inputs().size() != 2) {
            throw unknown(slot, concat == null ? present : concat);
        }
        long axis = concat.numbers().getOrDefault("axis", 0L);
        if (axis != 2 && axis != -2) {
            throw new Obstacle(CacheTensors.present(slot) + " is joined along axis " + axis + ", expected 2");
        }
        String past = concat.input(0);
        int type = cacheType;
        Node cast = producers.get(past);
        if (cast != null && cast.isStandard("Cast")) {
            past = cast.input(0);
            type = Math.toIntExact(cast.numbers().getOrDefault("to", 0L));
        }
        if (!past.equals(CacheTensors.past(slot)) || (type != cacheType && type != OnnxTypes.FLOAT)) {
            throw new Obstacle(CacheTensors.present(slot) + " is not joined from " + CacheTensors.past(slot));
        }
        String made = concat.input(1);
        checkOnlyUse(slot, made, concat);
        NodeList nodes = new NodeList(PREFIX + CacheTensors.name(slot));
        String[] results = quantizers.add(
                CacheTensors.name(slot),
                made,
                type,
                shape.geometry().channels(),
                new long[] {-1, shape.kvHeads(), -1, shape.headDim()},
                HEADS_AXIS,
                nodes);
        computed(slot, nodes.add("Identity", List.of(results[0])), nodes);
        nodes.add("", "Concat", List.of(concat.input(0), results[1]), concat.outputs(), Attribute.of("axis", axis));
        replace(concat, nodes);
    }

    private void grouped(Slot key, Slot value, Node node) {
        checkKnown(key, node, GROUPED_ATTRIBUTES, 12, 3, 4);
        NodeList nodes = new NodeList(PREFIX + key.layer());
        String[] made = {node.input(0), node.input(1), node.input(2)};
        checkOnlyUse(key, made[1].isEmpty() ? made[0] : made[1], node);
        checkOnlyUse(value, made[2].isEmpty() ? made[0] : made[2], node);
        long queryHeads = node.numbers().getOrDefault("num_heads", 0L);
        if (made[1].isEmpty()) {
            long channels = shape.geometry().channels();
            String sizes = PREFIX + key.layer() + ".sizes";
            parts.weights(sizes, queryHeads * shape.headDim(), channels, channels);
            String packed = made[0];
            for (int i = 0; i < made.length; i++) {
                made[i] = PREFIX + key.layer() + ".unpacked." + i;
            }
            nodes.add("", "Split", List.of(packed, sizes), List.of(made), Attribute.of("axis", -1));
        }
        boolean rotates = node.numbers().getOrDefault("do_rotary", 0L) != 0;
        if (rotates) {
            rotate(key, made, node, queryHeads, nodes);
        }
        made[1] = quantized(key, made[1], nodes);
        made[2] = quantized(value, made[2], nodes);
        List<String> inputs = new ArrayList<>(node.inputs());
        for (int i = 0; i < made.length; i++) {
            inputs.set(i, made[i]);
        }
        for (int i = 7; i < 10 && i < inputs.size(); i++) {
            inputs.set(i, ""); // cos_cache, sin_cache and position_ids of the rotation
        }
        nodes.add(
                MICROSOFT,
                node.operator(),
                inputs,
                node.outputs(),
                attributes(node, "do_rotary", "rotary_interleaved"));
        replace(node, nodes);
    }

    /** Turns Q and K as the attention would: from the position that follows the past. */
    private void rotate(Slot slot, String[] made, Node node, long queryHeads, NodeList nodes) {
        OnnxGraph.Weights cosines = graph.initializers().get(node.input(7));
        if (cosines == null || cosines.dims().size() != 2) {
            throw new Obstacle("the rotation of layer " + slot.layer() + " depends on more than weights");
        }
        long rotated = 2 * cosines.dims().get(1);
        String positions = node.input(9);
        if (positions.isEmpty()) {
            String past = nodes.add("Shape", List.of(node.input(3)));
            positions = nodes.add("Gather", List.of(past, TOKENS_AXIS));
        }
        for (int i = 0; i < 2; i++) {
            String turned = PREFIX + slot.layer() + ".rotated." + i;
            long heads = i == 0 ? queryHeads : shape.kvHeads();
            boolean partial = rotated < shape.headDim();
            nodes.add(
                    MICROSOFT,
                    "RotaryEmbedding",
                    List.of(made[i], positions, node.input(7), node.input(8)),
                    List.of(turned),
                    Attribute.of("interleaved", (long) node.numbers().getOrDefault("rotary_interleaved", 0L)),
                    Attribute.of("num_heads", partial ? heads : 0L),
                    Attribute.of("rotary_embedding_dim", partial ? rotated : 0L));
            made[i] = turned;
        }
    }

    private void multiHead(Slot key, Slot value, Node node) {
        checkKnown(key, node, MULTI_HEAD_ATTRIBUTES, 8, 6, 7);
        if (node.input(1).isEmpty() || node.input(2).isEmpty() || !node.input(3).isEmpty()) {
            throw new Obstacle("MultiHeadAttention of layer " + key.layer() + " has packed inputs or a bias");
        }
        checkOnlyUse(key, node.input(1), node);
        checkOnlyUse(value, node.input(2), node);
        NodeList nodes = new NodeList(PREFIX + key.layer());
        List<String> inputs = new ArrayList<>(node.inputs());
        inputs.set(1, quantized(key, node.input(1), nodes));
        inputs.set(2, quantized(value, node.input(2), nodes));
        nodes.add(MICROSOFT, node.operator(), inputs, node.outputs(), attributes(node));
        replace(node, nodes);
    }

    /** Quantizes K or V of shape [batch, tokens, channels]. */
    private String quantized(Slot slot, String made, NodeList nodes) {
        String[] results = quantizers.add(
                CacheTensors.name(slot),
                made,
                cacheType,
                shape.geometry().channels(),
                new long[] {-1, -1, shape.geometry().channels()},
                CHANNELS_LAST,
                nodes);
        String apart = nodes.add("Reshape", List.of(results[0], HEADS_APART));
        computed(slot, nodes.add("Transpose", List.of(apart), Attribute.of("perm", new long[] {0, 2, 1, 3})), nodes);
        return results[1];
    }

    private void computed(Slot slot, String values, NodeList nodes) {
        nodes.add("", "Identity", List.of(values), List.of(CacheTensors.computed(slot)));
        parts.output(CacheTensors.computed(slot), cacheType);
    }

    private void checkKnown(Slot slot, Node node, Set<String> attributes, int inputs, int pastKey, int pastValue) {
        Set<String> unknown = new HashSet<>(node.attributes());
        unknown.removeAll(attributes);
        boolean more = node.inputs().stream().skip(inputs).anyMatch(name -> !name.isEmpty());
        if (!unknown.isEmpty() || more) {
            throw new Obstacle(node.operator() + " of layer " + slot.layer() + " has attributes or inputs that are not"
                    + " known");
        }
        Slot value = new Slot(slot.layer(), Role.VALUE);
        List<String> outputs = node.outputs();
        if (!node.input(pastKey).equals(CacheTensors.past(slot))
                || !node.input(pastValue).equals(CacheTensors.past(value))
                || outputs.size() < 3
                || !outputs.get(1).equals(CacheTensors.present(slot))
                || !outputs.get(2).equals(CacheTensors.present(value))) {
            throw new Obstacle(node.operator() + " of layer " + slot.layer() + " has the past of another layer");
        }
    }

    /** Attention must not read K and V before they are quantized. */
    private void checkOnlyUse(Slot slot, String made, Node reader) {
        for (Node node : readers.getOrDefault(made, List.of())) {
            if (node != reader && !node.isStandard("Shape")) {
                throw new Obstacle(
                        slot + " is read before it is cached, by an operator " + DataProblem.shown(node.operator()));
            }
        }
    }

    private static Attribute[] attributes(Node node, String... without) {
        Map<String, Attribute> all = new HashMap<>();
        node.numbers().forEach((name, value) -> all.put(name, Attribute.of(name, (long) value)));
        node.reals().forEach((name, value) -> all.put(name, Attribute.of(name, (float) value)));
        all.keySet().removeAll(Set.of(without));
        return new TreeMap<>(all).values().toArray(Attribute[]::new);
    }

    private void replace(Node node, NodeList by) {
        replacements.put(node.span().tagAt(), by.toBytes());
    }
}
