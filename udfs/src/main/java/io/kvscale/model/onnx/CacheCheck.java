package io.kvscale.model.onnx;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/** Holds a graph's past and present, as it declares them, against config.json. */
final class CacheCheck {
    private static final String PAST = "past_key_values";
    private static final String PRESENT = "present";

    private final ModelConfig config;
    private final Misfits misfits;
    private final Set<Dtype> dtypes = EnumSet.noneOf(Dtype.class);

    private CacheCheck(ModelConfig config, Misfits misfits) {
        this.config = config;
        this.misfits = misfits;
    }

    /** The element type of the cache; of no meaning if there are misfits. */
    static Dtype of(OnnxGraph graph, ModelConfig config, Misfits misfits) {
        return new CacheCheck(config, misfits).dtype(graph);
    }

    private Dtype dtype(OnnxGraph graph) {
        TreeMap<Slot, OnnxValue> past = slots(graph.inputs(), CacheTensors::ofPast);
        TreeMap<Slot, OnnxValue> present = slots(graph.outputs(), CacheTensors::ofPresent);
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
            misfits.add("its past and present are of more than one type: " + dtypes);
        }
        return dtypes.isEmpty() ? Dtype.F32 : dtypes.iterator().next();
    }

    private static TreeMap<Slot, OnnxValue> slots(List<OnnxValue> values, Function<String, Optional<Slot>> slotOf) {
        TreeMap<Slot, OnnxValue> slots = new TreeMap<>();
        values.forEach(value -> slotOf.apply(value.name()).ifPresent(slot -> slots.put(slot, value)));
        return slots;
    }

    private void layers(TreeMap<Slot, OnnxValue> values, String tensors) {
        String expected = "num_hidden_layers is " + config.layers();
        for (int layer = 0; layer < config.layers(); layer++) {
            for (Role role : Role.values()) {
                Slot slot = new Slot(layer, role);
                if (!values.containsKey(slot)) {
                    misfits.add(tensors, slot, "is not there, " + expected);
                }
            }
        }
        for (Slot slot : values.keySet()) {
            if (slot.layer() >= config.layers()) {
                misfits.add(tensors, slot, "is there, " + expected);
            }
        }
    }

    private void tensor(String tensors, Slot slot, OnnxValue value) {
        Optional<Dtype> dtype = OnnxTypes.dtype(value.elementType());
        dtype.ifPresentOrElse(
                dtypes::add,
                () -> misfits.add(
                        tensors,
                        slot,
                        "is " + OnnxTypes.name(value.elementType()) + ", float32, float16 or bfloat16 expected"));
        List<Long> dims = value.dims();
        if (dims.size() != 4) {
            misfits.add(
                    tensors, slot, "has " + dims.size() + " dimensions, 4 expected: batch, kv_heads, tokens, head_dim");
            return;
        }
        size(tensors, slot, "kv_heads", dims.get(1), config.kvHeads());
        size(tensors, slot, "head_dim", dims.get(3), config.headDim());
        if (dims.get(0) != OnnxValue.FREE || dims.get(2) != OnnxValue.FREE) {
            misfits.add(tensors, slot, "has a fixed batch or number of tokens: " + dims);
        }
    }

    private void size(String tensors, Slot slot, String what, long declared, int expected) {
        if (declared != OnnxValue.FREE && declared != expected) {
            misfits.add(tensors, slot, what + " is " + declared + " in the graph, " + expected + " by config.json");
        }
    }
}
