package io.kvscale.model.onnx;

import io.kvscale.model.onnx.file.OnnxGraph;
import io.kvscale.model.onnx.file.OnnxTypes;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Compares a graph's inputs and outputs with config.json; one error lists all misfits. */
final class ShapeCheck {
    static final String REMEDY = "export graph and config.json together: optimum-cli export onnx --model HF_DIR --task "
            + "text-generation-with-past OUT, or python -m onnxruntime_genai.models.builder -i HF_DIR -o OUT -p fp32 "
            + "-e cpu";

    private final OnnxGraph graph;
    private final DecoderConfig config;
    private final Misfits misfits = new Misfits();

    private ShapeCheck(OnnxGraph graph, DecoderConfig config) {
        this.graph = graph;
        this.config = config;
    }

    /**
     * @param name of the graph's file, for errors
     * @throws InvalidDataException naming each misfit
     */
    static ModelShape check(OnnxGraph graph, DecoderConfig config, String name) {
        ShapeCheck check = new ShapeCheck(graph, config);
        Dtype cache = CacheCheck.check(graph, config, check.misfits);
        check.inputs();
        check.vocabulary();
        if (!check.misfits.isEmpty()) {
            throw new InvalidDataException(
                    DataProblem.of("the model is not a decoder that kvscale can run: " + check.misfits, REMEDY)
                            .inFile(name));
        }
        return new ModelShape(
                config.layers(), config.kvHeads(), config.headDim(), config.vocabulary(), config.maxPositions(), cache);
    }

    private void inputs() {
        Set<String> names = new TreeSet<>();
        for (OnnxGraph.Value input : graph.inputs()) {
            String name = input.name();
            // Old files list their weights among the inputs, as default values.
            if (!names.add(name)
                    || graph.initializers().containsKey(name)
                    || CacheTensors.pastSlot(name).isPresent()) {
                continue;
            }
            if (!name.equals(CacheTensors.IDS)
                    && !name.equals(CacheTensors.MASK)
                    && !name.equals(CacheTensors.POSITIONS)) {
                misfits.add("it needs an input " + DataProblem.shown(name) + ", which kvscale does not provide");
            } else if (!OnnxTypes.isInteger(input.elementType())) {
                misfits.add(name + " is " + OnnxTypes.name(input.elementType()) + ", expected int64 or int32");
            }
        }
        for (String needed : List.of(CacheTensors.IDS, CacheTensors.MASK)) {
            if (!names.contains(needed)) {
                misfits.add("it has no input " + needed);
            }
        }
    }

    /** A Gather over input_ids looks the embedding up: its rows must cover the vocabulary. */
    private void vocabulary() {
        for (OnnxGraph.Node node : graph.nodes()) {
            OnnxGraph.Weights table =
                    node.operator().startsWith("Gather") && node.uses().contains(CacheTensors.IDS)
                            ? graph.initializers().get(node.uses().get(0))
                            : null;
            if (table != null && !table.dims().isEmpty() && table.dims().get(0) < config.vocabulary()) {
                misfits.add("its embedding has " + table.dims().get(0) + " rows, config.json says vocab_size="
                        + config.vocabulary());
            }
        }
        for (OnnxGraph.Value output : graph.outputs()) {
            if (output.name().equals(CacheTensors.LOGITS)) {
                logits(output);
            }
        }
    }

    private void logits(OnnxGraph.Value logits) {
        List<Long> dims = logits.dims();
        if (dims.size() != 3) {
            misfits.add("logits has " + dims.size() + " dimensions, expected 3: batch, tokens, vocabulary");
        } else if (dims.get(2) != OnnxGraph.Value.FREE && dims.get(2) != config.vocabulary()) {
            misfits.add("logits has " + dims.get(2) + " columns, config.json says vocab_size=" + config.vocabulary());
        }
        if (OnnxTypes.dtype(logits.elementType()).isEmpty()) {
            misfits.add(
                    "logits is " + OnnxTypes.name(logits.elementType()) + ", expected float32, float16 or bfloat16");
        }
    }
}
