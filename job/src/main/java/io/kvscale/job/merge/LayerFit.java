package io.kvscale.job.merge;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.target.ModelExporter;
import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.quant.ModelFit;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Compares the layers of a scale table with those of a model.
 *
 * @param config the model's config.json
 * @param file its name, for messages
 * @param names the attention modules of the checkpoint
 */
record LayerFit(ModelConfig config, String file, AttentionNames names) {
    /**
     * Checks that each layer with a KV cache has scales, or is accepted without.
     *
     * @param accepted the layers that {@code --skip-layers} names
     * @return the layers with a KV cache that have no scales
     * @throws InvalidDataException if heads or layers do not fit, or if other layers lack scales than those accepted
     */
    SortedSet<Integer> skipped(ScaleTable table, SortedSet<Integer> accepted, ModelExporter exporter) {
        checkHeads(table);
        SortedSet<Integer> missing = new TreeSet<>();
        for (int layer = 0; layer < config.layers().size(); layer++) {
            Slot slot = new Slot(layer, Role.KEY);
            if (config.layers().get(layer).kind() == LayerCache.Kind.SHARED) {
                throw problem(
                        "layer " + layer
                                + " reads the KV cache of another layer, and engines read it with scales of its"
                                + " own, which would be 1.0",
                        "serve this model with a 16-bit cache");
            }
            if (config.holds(slot) && !table.slots().containsKey(slot)) {
                missing.add(layer);
            }
        }
        table.slots().keySet().forEach(slot -> checkNamed(slot.layer()));
        SortedSet<Integer> unexpected = difference(missing, accepted);
        if (!unexpected.isEmpty()) {
            throw problem(
                    "the scales have no " + listed(unexpected) + ", which would run with a scale of 1.0",
                    exporter.skipsLayers()
                            ? "calibrate all layers, or keep these in 16 bits with --skip-layers " + words(missing)
                            : "calibrate all layers: " + exporter.engine() + " cannot keep single layers in 16 bits");
        }
        SortedSet<Integer> needless = difference(accepted, missing);
        if (!needless.isEmpty()) {
            throw problem(
                    "--skip-layers names " + listed(needless) + ", which have scales or are no layers with a KV cache",
                    missing.isEmpty() ? "leave out --skip-layers" : "say --skip-layers " + words(missing));
        }
        if (!missing.isEmpty() && !exporter.skipsLayers()) {
            throw problem(
                    "the scales have no " + listed(missing) + ", and " + exporter.engine()
                            + " cannot keep single layers in 16 bits",
                    "calibrate all layers");
        }
        return missing;
    }

    private void checkHeads(ScaleTable table) {
        try {
            new ModelFit(config, layer -> true, true).check(table);
        } catch (InvalidDataException e) {
            DataProblem problem = DataProblem.of(e.problem().what(), "give the model that was captured with --model");
            Slot slot = e.problem().slot();
            throw new InvalidDataException((slot == null ? problem : problem.inSlot(slot)).inFile(file), e);
        }
    }

    private void checkNamed(int layer) {
        if (!names.layers().isEmpty() && !names.layers().containsKey(layer)) {
            throw problem(
                    "layer " + layer + " has scales, but the checkpoint has no attention weights "
                            + DataProblem.shown(names.of(layer)),
                    "give the model that was captured with --model, or its names with --prefix");
        }
    }

    private InvalidDataException problem(String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inFile(file));
    }

    private static SortedSet<Integer> difference(SortedSet<Integer> all, SortedSet<Integer> without) {
        SortedSet<Integer> left = new TreeSet<>(all);
        left.removeAll(without);
        return left;
    }

    private static String listed(SortedSet<Integer> layers) {
        List<String> some = layers.stream().limit(20).map(String::valueOf).toList();
        return (layers.size() == 1 ? "layer " : "layers ")
                + String.join(", ", some)
                + (layers.size() > 20 ? ", ..." : "");
    }

    private static String words(SortedSet<Integer> layers) {
        return layers.stream().map(String::valueOf).collect(Collectors.joining(","));
    }
}
