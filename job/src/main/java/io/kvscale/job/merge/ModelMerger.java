package io.kvscale.job.merge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.kvscale.input.ReadFailure;
import io.kvscale.input.RegularFile;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.job.checkpoint.CheckpointScale;
import io.kvscale.job.target.JsonEdit;
import io.kvscale.job.target.ModelExporter;
import io.kvscale.job.target.ModelOverlay;
import io.kvscale.job.target.ModelQuantization;
import io.kvscale.job.target.ScaleTensor;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Merges scales into a model's folder, which is read and never changed.
 *
 * @param model the folder
 * @param exporter how the engine loads scales
 * @param copy whether the result holds copies of the model's files, instead of links
 */
public record ModelMerger(Checkpoint model, ModelExporter exporter, boolean copy) {
    private static final int MAX_NAMED = 8;
    private static final String REMEDY = "take the model's original folder, without KV scales";

    /**
     * Why the engine cannot hold scales of a table; null if it can.
     *
     * @throws InvalidDataException if it cannot load any scales from the model, or the model has some already
     */
    public @Nullable String refusal(ScaleTable table) {
        checkUnmerged();
        String refusal = exporter.refusal(table, quantization());
        if (refusal != null && exporter.refusal(table) == null) {
            throw new InvalidDataException(DataProblem.of(refusal, "").inFile(model.shown(Checkpoint.CONFIG)));
        }
        return refusal;
    }

    /**
     * The folder with the scales of a table that {@link #refusal} accepts.
     *
     * @param names the attention modules of the model
     * @param skipped the layers of the model that may have no scales, and must have none
     * @throws InvalidDataException if the scales do not fit the model, or the engine would not load them from it
     */
    public ExportedFiles merge(ScaleTable table, AttentionNames names, SortedSet<Integer> skipped) {
        ModelQuantization quantization = quantization();
        String config = text(Checkpoint.CONFIG);
        String shown = model.shown(Checkpoint.CONFIG);
        List<Integer> missing = new ArrayList<>(
                new LayerFit(ModelConfig.parse(config.getBytes(StandardCharsets.UTF_8), shown), shown, names)
                        .skipped(table, skipped, exporter));
        ModelOverlay overlay = exporter.overlay(table, names, quantization);
        checkNew(overlay);

        WeightFiles weights = WeightFiles.of(model);
        SortedMap<String, byte[]> written = new TreeMap<>();
        written.put(weights.scales(), ScaleTensor.file(overlay.tensors()));
        written.put(Checkpoint.INDEX, index(weights, overlay));
        put(written, Checkpoint.CONFIG, config, overlay.config());
        put(
                written,
                Checkpoint.HF_QUANT_CONFIG,
                model.hfQuantConfig() == null ? "{}" : text(Checkpoint.HF_QUANT_CONFIG),
                overlay.quantConfig());
        SortedMap<String, Path> kept = new TreeMap<>();
        ModelEntries.of(model, copy).forEach((name, path) -> kept.put(weights.name(name), path));
        kept.keySet().removeAll(written.keySet());
        return new ExportedFiles(kept, written, weights.scales(), missing, notices(table, quantization));
    }

    private void checkUnmerged() {
        for (CheckpointScale scale : model.scales().values()) {
            throw new InvalidDataException(DataProblem.of("the model has KV scales already", REMEDY)
                    .inFile(model.shown(scale.file()))
                    .inTensor(scale.name()));
        }
        String scales = WeightFiles.of(model).scales();
        if (model.unread().contains(scales)) {
            throw new InvalidDataException(
                    DataProblem.of("the model has a file of KV scales already, which its index does not name", REMEDY)
                            .inFile(model.shown(scales)));
        }
    }

    /** The configs that the engines read. They look at other places too, which are not edited. */
    private ModelQuantization quantization() {
        JsonNode own = model.config().path("quantization_config");
        if (!own.isMissingNode() && !own.isNull() && !own.isObject()) {
            throw new InvalidDataException(DataProblem.of(
                            "quantization_config is " + DataProblem.shown(own.toString()) + ", expected a JSON object",
                            "take config.json from the model's original folder")
                    .inFile(model.shown(Checkpoint.CONFIG)));
        }
        JsonNode file = model.hfQuantConfig() == null ? MissingNode.getInstance() : model.hfQuantConfig();
        JsonNode found = model.quantization();
        if (found.isObject() && found != own && found != file) {
            throw new InvalidDataException(DataProblem.of(
                            "the model's quantization config is not at the top of config.json under quantization_config",
                            "move it there; kvscale edits it only there")
                    .inFile(model.shown(Checkpoint.CONFIG)));
        }
        return new ModelQuantization(own, file);
    }

    private void checkNew(ModelOverlay overlay) {
        for (ScaleTensor tensor : overlay.tensors()) {
            String file = model.tensors().get(tensor.name());
            if (file != null) {
                throw new InvalidDataException(DataProblem.of("the model has a tensor of this name already", REMEDY)
                        .inFile(model.shown(file))
                        .inTensor(tensor.name()));
            }
        }
    }

    private byte[] index(WeightFiles weights, ModelOverlay overlay) {
        String shown = model.shown(Checkpoint.INDEX);
        try {
            String text = model.index() == null ? null : text(Checkpoint.INDEX);
            return weights.index(overlay.tensors(), text).getBytes(StandardCharsets.UTF_8);
        } catch (InvalidDataException e) {
            throw new InvalidDataException(e.problem().inFile(shown), e);
        } catch (IOException e) {
            throw unreadable(model.name(), e);
        }
    }

    private void put(SortedMap<String, byte[]> written, String name, String text, List<JsonEdit> edits) {
        if (edits.isEmpty()) {
            return;
        }
        String edited = text;
        try {
            for (JsonEdit edit : edits) {
                edited = JsonSplice.apply(edited, edit);
            }
        } catch (InvalidDataException e) {
            throw new InvalidDataException(e.problem().inFile(model.shown(name)), e);
        }
        written.put(name, edited.getBytes(StandardCharsets.UTF_8));
    }

    /** A JSON file of the folder, which {@link Checkpoint#read} has read before. */
    private String text(String name) {
        Path file = model.folder().resolve(name);
        try (InputStream in = Files.newInputStream(file)) {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(RegularFile.read(in, Files.size(file))))
                    .toString();
        } catch (IOException e) {
            throw unreadable(model.shown(name), e);
        }
    }

    private static InvalidDataException unreadable(String shown, IOException e) {
        return new InvalidDataException(
                DataProblem.of("the file cannot be read as UTF-8: " + ReadFailure.reason(e), "check the file")
                        .inFile(shown),
                e);
    }

    private List<String> notices(ScaleTable table, ModelQuantization quantization) {
        List<String> notices = new ArrayList<>(exporter.notes(table, quantization));
        Map<String, String> links = model.leavingLinks();
        if (!links.isEmpty()) {
            String some = links.entrySet().stream()
                    .limit(MAX_NAMED)
                    .map(link -> link.getKey() + " to " + link.getValue())
                    .collect(Collectors.joining(", "));
            notices.add("links lead out of the model's folder: " + some
                    + (links.size() > MAX_NAMED ? ", ... (" + links.size() + ")" : "")
                    + (copy ? "; their files are copied" : "; the new folder links to them"));
        }
        return notices;
    }
}
