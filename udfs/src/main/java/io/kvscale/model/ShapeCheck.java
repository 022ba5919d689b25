package io.kvscale.model;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/** Holds a graph's inputs and outputs against config.json; gathers all misfits before it refuses. */
final class ShapeCheck {
    private static final int MAX_SHOWN = 8;

    static final String REMEDY =
            "export graph and config.json in one go: optimum-cli export onnx --model HF_DIR --task "
                    + "text-generation-with-past OUT, or python -m onnxruntime_genai.models.builder -i HF_DIR -o OUT -p fp32 "
                    + "-e cpu";

    private final OnnxGraph graph;
    private final ModelConfig config;
    private final List<String> misfits = new ArrayList<>();

    private ShapeCheck(OnnxGraph graph, ModelConfig config) {
        this.graph = graph;
        this.config = config;
    }

    /**
     * @param name of the graph's file, for errors
     * @throws InvalidDataException naming each misfit
     */
    static ModelShape of(OnnxGraph graph, ModelConfig config, String name) {
        ShapeCheck check = new ShapeCheck(graph, config);
        Dtype cache = check.run();
        if (!check.misfits.isEmpty()) {
            List<String> shown = check.misfits.subList(0, Math.min(MAX_SHOWN, check.misfits.size()));
            int more = check.misfits.size() - shown.size();
            throw new InvalidDataException(DataProblem.of(
                            "the model is no decoder that can be run: " + String.join("; ", shown)
                                    + (more == 0 ? "" : "; and " + more + " more"),
                            REMEDY)
                    .inFile(name));
        }
        return new ModelShape(
                config.layers(), config.kvHeads(), config.headDim(), config.vocabulary(), config.maxPositions(), cache);
    }

    /**
     * The element type of the logits.
     *
     * @throws InvalidDataException if the graph has none
     */
    static int logitsType(OnnxGraph graph, String name) {
        return graph.outputs().stream()
                .filter(output -> output.name().equals(CacheTensors.LOGITS))
                .findFirst()
                .orElseThrow(() -> new InvalidDataException(
                        DataProblem.of("the model has no output logits", REMEDY).inFile(name)))
                .elementType();
    }

    private Dtype run() {
        TreeMap<Slot, OnnxValue> past = slots(graph.inputs(), CacheTensors::ofPast);
        TreeMap<Slot, OnnxValue> present = slots(graph.outputs(), CacheTensors::ofPresent);
        Set<Dtype> dtypes = EnumSet.noneOf(Dtype.class);
        if (present.isEmpty()) {
            misfits.add("it has no outputs present.N.key and present.N.value (exported without past)");
        }
        if (past.isEmpty()) {
            misfits.add("it has no inputs past_key_values.N.key and past_key_values.N.value (exported without past)");
        }
        if (!present.isEmpty() && !past.isEmpty()) {
            layers(past.keySet(), "past_key_values");
            layers(present.keySet(), "present");
            past.values().forEach(value -> cacheTensor(value, dtypes));
            present.values().forEach(value -> cacheTensor(value, dtypes));
        }
        if (dtypes.size() > 1) {
            misfits.add("its past and present are of more than one type: " + dtypes);
        }
        inputs();
        vocabulary();
        return dtypes.isEmpty() ? Dtype.F32 : dtypes.iterator().next();
    }

    private static TreeMap<Slot, OnnxValue> slots(List<OnnxValue> values, Function<String, Optional<Slot>> slotOf) {
        TreeMap<Slot, OnnxValue> slots = new TreeMap<>();
        values.forEach(value -> slotOf.apply(value.name()).ifPresent(slot -> slots.put(slot, value)));
        return slots;
    }

    private void layers(Set<Slot> slots, String what) {
        Set<Integer> layers = new TreeSet<>();
        slots.forEach(slot -> layers.add(slot.layer()));
        if (layers.size() != config.layers()) {
            misfits.add(what + " of " + layers.size() + " layers, num_hidden_layers is " + config.layers());
        } else if (slots.size() != 2 * layers.size() || !layers.contains(layers.size() - 1)) {
            misfits.add(what + " is not there for key and value of each layer 0.." + (layers.size() - 1));
        }
    }

    private void cacheTensor(OnnxValue value, Set<Dtype> dtypes) {
        Optional<Dtype> dtype = OnnxTypes.dtype(value.elementType());
        dtype.ifPresentOrElse(
                dtypes::add,
                () -> misfits.add(value.name() + " is " + OnnxTypes.name(value.elementType())
                        + ", float32, float16 or bfloat16 expected"));
        List<Long> dims = value.dims();
        if (dims.size() != 4) {
            misfits.add(value.name() + " has " + dims.size()
                    + " dimensions, 4 expected: batch, kv_heads, tokens, head_dim");
            return;
        }
        size(value.name() + " kv_heads", dims.get(1), config.kvHeads());
        size(value.name() + " head_dim", dims.get(3), config.headDim());
        if (dims.get(0) != OnnxValue.FREE || dims.get(2) != OnnxValue.FREE) {
            misfits.add(value.name() + " has a fixed batch or number of tokens: " + dims);
        }
    }

    private void size(String what, long declared, int expected) {
        if (declared != OnnxValue.FREE && declared != expected) {
            misfits.add(what + " is " + declared + " in the graph, " + expected + " by config.json");
        }
    }

    private void inputs() {
        Set<String> names = new TreeSet<>();
        for (OnnxValue input : graph.inputs()) {
            String name = input.name();
            // Files of an older kind list their weights among the inputs, as defaults.
            if (!names.add(name) || graph.initializers().containsKey(name) || isCache(name)) {
                continue;
            }
            if (!name.equals(CacheTensors.IDS)
                    && !name.equals(CacheTensors.MASK)
                    && !name.equals(CacheTensors.POSITIONS)) {
                misfits.add("it asks for an input " + DataProblem.shown(name) + ", which kvscale does not have");
            } else if (!OnnxTypes.isInteger(input.elementType())) {
                misfits.add(name + " is " + OnnxTypes.name(input.elementType()) + ", int64 or int32 expected");
            }
        }
        for (String needed : List.of(CacheTensors.IDS, CacheTensors.MASK)) {
            if (!names.contains(needed)) {
                misfits.add("it has no input " + needed);
            }
        }
    }

    private static boolean isCache(String name) {
        return CacheTensors.ofPast(name).isPresent();
    }

    /** Where the embedding is looked up by input_ids itself, its rows are the ids that there are. */
    private void vocabulary() {
        for (OnnxNode node : graph.nodes()) {
            OnnxTensorEntry table =
                    node.operator().startsWith("Gather") && node.uses().contains(CacheTensors.IDS)
                            ? graph.initializers().get(node.uses().get(0))
                            : null;
            if (table != null && !table.dims().isEmpty() && table.dims().get(0) < config.vocabulary()) {
                misfits.add("its embedding has " + table.dims().get(0) + " rows, vocab_size is " + config.vocabulary());
            }
        }
        for (OnnxValue output : graph.outputs()) {
            if (output.name().equals(CacheTensors.LOGITS)) {
                if (output.dims().size() != 3) {
                    misfits.add("logits has " + output.dims().size()
                            + " dimensions, 3 expected: batch, tokens, vocabulary");
                } else {
                    size("the vocabulary of logits", output.dims().get(2), config.vocabulary());
                }
                if (OnnxTypes.dtype(output.elementType()).isEmpty()) {
                    misfits.add("logits is " + OnnxTypes.name(output.elementType())
                            + ", float32, float16 or bfloat16 expected");
                }
            }
        }
    }
}
