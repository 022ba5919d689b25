package io.kvscale.model.onnx;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Holds a graph's inputs and outputs against config.json; gathers all misfits before it refuses. */
public final class ShapeCheck {
    public static final String REMEDY =
            "export graph and config.json in one go: optimum-cli export onnx --model HF_DIR --task "
                    + "text-generation-with-past OUT, or python -m onnxruntime_genai.models.builder -i HF_DIR -o OUT -p fp32 "
                    + "-e cpu";

    private final OnnxGraph graph;
    private final ModelConfig config;
    private final Misfits misfits = new Misfits();

    private ShapeCheck(OnnxGraph graph, ModelConfig config) {
        this.graph = graph;
        this.config = config;
    }

    /**
     * @param name of the graph's file, for errors
     * @throws InvalidDataException naming each misfit
     */
    public static ModelShape of(OnnxGraph graph, ModelConfig config, String name) {
        ShapeCheck check = new ShapeCheck(graph, config);
        Dtype cache = check.run();
        if (!check.misfits.isEmpty()) {
            throw new InvalidDataException(
                    DataProblem.of("the model is no decoder that can be run: " + check.misfits, REMEDY)
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
    public static int logitsType(OnnxGraph graph, String name) {
        return graph.outputs().stream()
                .filter(output -> output.name().equals(CacheTensors.LOGITS))
                .findFirst()
                .orElseThrow(() -> new InvalidDataException(
                        DataProblem.of("the model has no output logits", REMEDY).inFile(name)))
                .elementType();
    }

    private Dtype run() {
        Dtype cache = CacheCheck.of(graph, config, misfits);
        HeadCheck.of(graph, config, misfits);
        inputs();
        vocabulary();
        return cache;
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
                    vocabulary(output.dims().get(2));
                }
                if (OnnxTypes.dtype(output.elementType()).isEmpty()) {
                    misfits.add("logits is " + OnnxTypes.name(output.elementType())
                            + ", float32, float16 or bfloat16 expected");
                }
            }
        }
    }

    private void vocabulary(long declared) {
        if (declared != OnnxValue.FREE && declared != config.vocabulary()) {
            misfits.add("the vocabulary of logits is " + declared + " in the graph, " + config.vocabulary()
                    + " by config.json");
        }
    }
}
