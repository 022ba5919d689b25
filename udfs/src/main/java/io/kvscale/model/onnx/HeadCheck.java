package io.kvscale.model.onnx;

import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Holds config.json against what a graph computes, for dimensions may be declared free: the onnxruntime-genai builder
 * does so with head_dim.
 *
 * <p>It looks at the heads of a GroupQueryAttention and at the columns of the weights that V comes from; at V, since K
 * may be normed and turned on its way. Whatever does not lead straight to one matrix is taken to say nothing.
 *
 * <pre>
 * optimum:  weights [in, kv_heads * head_dim] -> MatMul -> Add? -> Reshape -> Transpose -> Concat -> present.N.value
 * builder:  weights [in, (num_heads + 2 * kv_num_heads) * head_dim] -> MatMul -> Add? -> GroupQueryAttention
 *           or three MatMuls, V's of kv_num_heads * head_dim
 * </pre>
 */
final class HeadCheck {
    private static final String ATTENTION = "GroupQueryAttention";
    private static final String PRESENT = "present";
    /** More nodes than lie between V and its weights; ends the walk in a hostile graph that bites its tail. */
    private static final int MAX_STEPS = 32;

    private final OnnxGraph graph;
    private final ModelConfig config;
    private final Misfits misfits;
    private final Map<String, OnnxNode> makers;

    private HeadCheck(OnnxGraph graph, ModelConfig config, Misfits misfits) {
        this.graph = graph;
        this.config = config;
        this.misfits = misfits;
        this.makers = graph.makers();
    }

    static void of(OnnxGraph graph, ModelConfig config, Misfits misfits) {
        HeadCheck check = new HeadCheck(graph, config, misfits);
        for (OnnxValue output : graph.outputs()) {
            CacheTensors.ofPresent(output.name())
                    .filter(slot -> slot.role() == Role.VALUE)
                    .ifPresent(slot -> check.value(slot, output.name()));
        }
    }

    private void value(Slot slot, String name) {
        OnnxNode source = source(name);
        if (!source.operator().equals(ATTENTION)) {
            columns(slot, source, config.kvHeads(), "");
            return;
        }
        long heads = source.numbers().getOrDefault("num_heads", 0L);
        long kvHeads = source.numbers().getOrDefault("kv_num_heads", 0L);
        if (Math.min(heads, kvHeads) < 1 || Math.max(heads, kvHeads) > Geometry.MAX_CHANNELS) {
            return;
        }
        heads(slot, "num_heads is " + heads, "num_attention_heads", heads, config.queryHeads());
        heads(slot, "kv_num_heads is " + kvHeads, "num_key_value_heads", kvHeads, config.kvHeads());
        if (source.use(1).isEmpty()) {
            columns(slot, source(source.use(0)), heads + 2 * kvHeads, " for Q, K and V");
        } else {
            columns(slot, source(source.use(2)), kvHeads, "");
        }
    }

    private void heads(Slot slot, String said, String key, long inGraph, int byConfig) {
        if (inGraph != byConfig) {
            misfits.add(
                    PRESENT,
                    slot,
                    "is of a " + ATTENTION + " whose " + said + ", " + key + " is " + byConfig + " by "
                            + ModelConfig.FILE);
        }
    }

    private void columns(Slot slot, OnnxNode product, long heads, String of) {
        OptionalLong columns = columns(product);
        long expected = heads * config.headDim();
        if (columns.isPresent() && columns.getAsLong() != expected) {
            misfits.add(
                    PRESENT,
                    slot,
                    "is computed by weights of " + columns.getAsLong() + " columns" + of + ", " + heads
                            + " heads of head_dim " + config.headDim() + " by " + ModelConfig.FILE + " take "
                            + expected);
        }
    }

    /** The node that a tensor comes from, behind those that keep what one token has; an empty one where none is found. */
    private OnnxNode source(String name) {
        String at = name;
        for (int step = 0; step < MAX_STEPS; step++) {
            OnnxNode node = makers.getOrDefault(at, OnnxNode.NONE);
            at = switch (node.operator()) {
                case "Cast", "Identity", "Reshape", "Transpose", "Clip" -> node.use(0);
                case "Add" -> other(node, graph.initializers().containsKey(node.use(0)));
                case "Concat" -> other(node, isPast(node.use(0)));
                default -> "";
            };
            if (at.isEmpty()) {
                return node;
            }
        }
        return OnnxNode.NONE;
    }

    /** The one of two inputs that goes on: the other is a bias or the past. */
    private String other(OnnxNode node, boolean firstEnds) {
        boolean secondEnds = graph.initializers().containsKey(node.use(1));
        return node.uses().size() != 2 || firstEnds == secondEnds ? "" : node.use(firstEnds ? 1 : 0);
    }

    private boolean isPast(String name) {
        OnnxNode maker = makers.getOrDefault(name, OnnxNode.NONE);
        return CacheTensors.ofPast(maker.operator().equals("Cast") ? maker.use(0) : name)
                .isPresent();
    }

    private OptionalLong columns(OnnxNode product) {
        if (product.operator().equals("MatMulNBits")) {
            Long columns = product.numbers().get("N");
            return columns == null ? OptionalLong.empty() : OptionalLong.of(columns);
        }
        if (!product.operator().equals("MatMul") && !product.operator().equals("Gemm")) {
            return OptionalLong.empty();
        }
        boolean turned = product.numbers().getOrDefault("transB", 0L) != 0;
        String weights = product.use(1);
        OnnxNode maker = makers.getOrDefault(weights, OnnxNode.NONE);
        if (maker.operator().equals("Transpose")) {
            turned = !turned;
            weights = maker.use(0);
        }
        OnnxTensorEntry entry = graph.initializers().get(weights);
        List<Long> dims = entry == null ? List.of() : entry.dims();
        return dims.size() == 2 ? OptionalLong.of(dims.get(turned ? 0 : 1)) : OptionalLong.empty();
    }
}
