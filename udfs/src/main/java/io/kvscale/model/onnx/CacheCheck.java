package io.kvscale.model.onnx;

import static io.kvscale.model.onnx.CacheTensors.PAST;
import static io.kvscale.model.onnx.CacheTensors.PRESENT;

import io.kvscale.model.onnx.file.OnnxGraph;
import io.kvscale.model.onnx.file.OnnxGraph.Value;
import io.kvscale.model.onnx.file.OnnxTypes;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/** Compares the graph's past and present tensors, and the heads of its attention nodes, with config.json. */
final class CacheCheck {
    private final DecoderConfig config;
    private final Misfits misfits;
    private final Set<Dtype> dtypes = EnumSet.noneOf(Dtype.class);

    private CacheCheck(DecoderConfig config, Misfits misfits) {
        this.config = config;
        this.misfits = misfits;
    }

    /** @return the element type of the cache; meaningless if there are misfits */
    static Dtype check(OnnxGraph graph, DecoderConfig config, Misfits misfits) {
        CacheCheck check = new CacheCheck(config, misfits);
        check.tensors(graph);
        graph.nodes().forEach(check::heads);
        return check.dtypes.isEmpty() ? Dtype.F32 : check.dtypes.iterator().next();
    }

    private void tensors(OnnxGraph graph) {
        TreeMap<Slot, Value> past = slots(graph.inputs(), CacheTensors::pastSlot);
        TreeMap<Slot, Value> present = slots(graph.outputs(), CacheTensors::presentSlot);
        if (present.isEmpty()) {
            misfits.add("it has no outputs present.N.key and present.N.value (exported without past)");
        }
        if (past.isEmpty()) {
            misfits.add("it has no inputs past_key_values.N.key and past_key_values.N.value (exported without past)");
        }
        if (!present.isEmpty() && !past.isEmpty()) {
            layers(past, PAST);
            layers(present, PRESENT);
            past.forEach((slot, value) -> tensor(PAST, slot, value));
            present.forEach((slot, value) -> tensor(PRESENT, slot, value));
        }
        if (dtypes.size() > 1) {
            misfits.add("its past and present tensors have more than one element type: " + dtypes);
        }
    }

    private static TreeMap<Slot, Value> slots(List<Value> values, Function<String, Optional<Slot>> slotOf) {
        TreeMap<Slot, Value> slots = new TreeMap<>();
        values.forEach(value -> slotOf.apply(value.name()).ifPresent(slot -> slots.put(slot, value)));
        return slots;
    }

    private void layers(TreeMap<Slot, Value> values, String tensors) {
        String expected = "config.json says num_hidden_layers=" + config.layers();
        for (int layer = 0; layer < config.layers(); layer++) {
            for (Role role : Role.CACHED) {
                Slot slot = new Slot(layer, role);
                if (!values.containsKey(slot)) {
                    misfits.add(tensors, slot, "missing, " + expected);
                }
            }
        }
        for (Slot slot : values.keySet()) {
            if (slot.layer() >= config.layers()) {
                misfits.add(tensors, slot, "unexpected, " + expected);
            }
        }
    }

    private void tensor(String tensors, Slot slot, Value value) {
        Optional<Dtype> dtype = OnnxTypes.dtype(value.elementType());
        dtype.ifPresentOrElse(
                dtypes::add,
                () -> misfits.add(
                        tensors,
                        slot,
                        "is " + OnnxTypes.name(value.elementType()) + ", expected float32, float16 or bfloat16"));
        List<Long> dims = value.dims();
        if (dims.size() != 4) {
            misfits.add(
                    tensors, slot, "has " + dims.size() + " dimensions, expected 4: batch, kv_heads, tokens, head_dim");
            return;
        }
        size(tensors, slot, "kv_heads", dims.get(1), config.kvHeads());
        size(tensors, slot, "head_dim", dims.get(3), config.headDim());
        if (dims.get(0) != Value.FREE || dims.get(2) != Value.FREE) {
            misfits.add(tensors, slot, "has a fixed batch size or number of tokens: " + dims);
        }
    }

    private void size(String tensors, Slot slot, String what, long declared, int expected) {
        if (declared != Value.FREE && declared != expected) {
            misfits.add(tensors, slot, "has " + what + "=" + declared + ", config.json says " + expected);
        }
    }

    /** The dimensions of past and present may be free: the onnxruntime-genai builder leaves head_dim so. */
    private void heads(OnnxGraph.Node node) {
        if (node.outputs().stream()
                .noneMatch(name -> CacheTensors.presentSlot(name).isPresent())) {
            return;
        }
        boolean grouped = node.operator().equals("GroupQueryAttention");
        if (grouped || node.operator().equals("MultiHeadAttention")) {
            attribute(node, "num_heads", "num_attention_heads", config.queryHeads());
        }
        if (grouped) {
            attribute(node, "kv_num_heads", "num_key_value_heads", config.kvHeads());
        }
    }

    private void attribute(OnnxGraph.Node node, String name, String key, int expected) {
        Long number = node.numbers().get(name);
        if (number != null && number != expected) {
            misfits.add(node.operator() + " has " + name + "=" + number + ", config.json says " + expected + " (" + key
                    + ")");
        }
    }
}
