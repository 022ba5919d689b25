package io.kvscale.job.merge;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.job.target.JsonEdit;
import io.kvscale.job.target.ScaleTensor;
import io.kvscale.json.Json;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where the scales go beside the files of the weights, and the index that names all of them.
 *
 * <p>vLLM and SGLang read only the files that an index names. Without an index they read all files, but transformers reads only
 * {@code model.safetensors} and leaves the scales as they are in memory. So a model in one file gets two numbered files and an
 * index, which all three read.
 *
 * @param renamed the new names of weight files
 * @param scales the name of the file with the scales
 */
record WeightFiles(Checkpoint model, Map<String, String> renamed, String scales) {
    private static final String WEIGHT_MAP = "weight_map";
    private static final String METADATA = "metadata";
    private static final String TOTAL_SIZE = "total_size";

    static WeightFiles of(Checkpoint model) {
        return model.index() == null && model.files().size() == 1
                ? new WeightFiles(
                        model,
                        Map.of(model.files().get(0), "model-00001-of-00002.safetensors"),
                        "model-00002-of-00002.safetensors")
                : new WeightFiles(model, Map.of(), "model-kvscales.safetensors");
    }

    String name(String file) {
        return renamed.getOrDefault(file, file);
    }

    /**
     * The index with the scales.
     *
     * @param text the model's index; null if it has none
     */
    String index(List<ScaleTensor> tensors, @Nullable String text) throws IOException {
        Map<String, String> added = new LinkedHashMap<>();
        tensors.forEach(tensor -> added.put(tensor.name(), scales));
        long bytes = tensors.stream().mapToLong(ScaleTensor::bytes).sum();
        JsonNode index = model.index();
        if (text == null || index == null) {
            return newIndex(added, bytes);
        }
        String edited = JsonSplice.apply(text, new JsonEdit(List.of(WEIGHT_MAP), added));
        JsonNode size = index.path(METADATA).path(TOTAL_SIZE);
        return size.isIntegralNumber() && size.canConvertToLong()
                ? JsonSplice.apply(
                        edited, new JsonEdit(List.of(METADATA), Map.of(TOTAL_SIZE, size.longValue() + bytes)))
                : edited;
    }

    private String newIndex(Map<String, String> added, long bytes) throws IOException {
        long size = bytes;
        for (String file : model.files()) {
            size += dataBytes(model.folder().resolve(file));
        }
        Map<String, String> all = new TreeMap<>(added);
        model.tensors().forEach((tensor, file) -> all.put(tensor, name(file)));
        Map<String, Object> index = new LinkedHashMap<>();
        index.put(METADATA, Map.of(TOTAL_SIZE, size));
        index.put(WEIGHT_MAP, all);
        return Json.text(index);
    }

    /** Bytes of all tensors in a file: they lie back to back behind the header. */
    private static long dataBytes(Path file) throws IOException {
        try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
            return Files.size(file) - Long.BYTES - Long.reverseBytes(in.readLong());
        }
    }
}
