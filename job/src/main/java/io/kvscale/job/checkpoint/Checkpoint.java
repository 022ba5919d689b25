package io.kvscale.job.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.InvalidDataException;
import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder of a model's weights on a local disk, as an engine would see it. Weights are never read, only the headers of
 * the files and the scales of the KV cache.
 *
 * @param name the folder as the user named it
 * @param folder the folder
 * @param config config.json
 * @param model what config.json says about the KV cache; null if it does not describe a decoder that kvscale knows
 * @param hfQuantConfig hf_quant_config.json of ModelOpt; null if there is none
 * @param ascendDescription quant_model_description.json of msModelSlim; null if there is none
 * @param index model.safetensors.index.json; null if there is none
 * @param files the safetensors files that an engine reads, in order: with an index those of its {@code weight_map}
 * @param unread the other safetensors files, which the index does not name
 * @param tensors the names of all tensors in {@code files}, each with its file
 * @param scales the tensors of {@code files} that are scales of the KV cache, by name
 * @param unreadScales the names of such tensors in {@code unread}, each with its file
 * @param leavingLinks the entries of the folder that are links to something outside it, each with its target
 */
public record Checkpoint(
        String name,
        Path folder,
        ObjectNode config,
        @Nullable ModelConfig model,
        @Nullable ObjectNode hfQuantConfig,
        @Nullable ObjectNode ascendDescription,
        @Nullable ObjectNode index,
        List<String> files,
        List<String> unread,
        SortedMap<String, String> tensors,
        SortedMap<String, CheckpointScale> scales,
        SortedMap<String, String> unreadScales,
        SortedMap<String, String> leavingLinks) {
    public static final String CONFIG = "config.json";
    public static final String HF_QUANT_CONFIG = "hf_quant_config.json";
    public static final String ASCEND_DESCRIPTION = "quant_model_description.json";
    public static final String INDEX = "model.safetensors.index.json";
    static final String SAFETENSORS = ".safetensors";

    /** The keys under which multimodal models describe their decoder. */
    private static final List<String> DECODERS = List.of("text_config", "language_config", "llm_config");

    private static final List<String> LAYERS = List.of("num_hidden_layers", "n_layer", "n_layers", "num_layers");

    /**
     * Reads a folder. Links are followed.
     *
     * @throws InvalidDataException if there is no such folder or no config.json; a file is malformed or missing; the
     *     index does not fit the files; or two files hold one tensor
     */
    public static Checkpoint read(String folder) {
        return new CheckpointReader(folder).read();
    }

    /** Whether a path is a local folder with config.json and the weights or the index of a model. */
    public static boolean isFolder(String path) {
        File folder = new File(path);
        return new File(folder, CONFIG).isFile()
                && (new File(folder, INDEX).isFile() || new File(folder, "model" + SAFETENSORS).isFile());
    }

    /** The path of a file in the folder, for messages. */
    public String shown(String file) {
        return CheckpointReader.shown(name, file);
    }

    /**
     * The quantization config that transformers, vLLM and SGLang read: that of config.json, else hf_quant_config.json,
     * else {@code compression_config} of older compressed-tensors; a missing node if the model has none.
     */
    public JsonNode quantization() {
        for (JsonNode outer : List.of(config, decoder())) {
            if (outer.path("quantization_config").isObject()) {
                return outer.path("quantization_config");
            }
        }
        if (hfQuantConfig != null) {
            return hfQuantConfig;
        }
        JsonNode old = config.path("compression_config");
        return old.isObject() ? old : MissingNode.getInstance();
    }

    /**
     * The {@code quant_method} of {@link #quantization} in lower case; {@code modelopt} for ModelOpt's nested config,
     * which does not state one; empty if the model is not quantized.
     */
    public String quantMethod() {
        JsonNode quantization = quantization();
        String method = quantization
                .path("quant_method")
                .asText("")
                .toLowerCase(Locale.ROOT)
                .replace("compressed_", "compressed-");
        boolean nested = quantization.path("quantization").isObject();
        return method.isEmpty() && nested ? "modelopt" : method;
    }

    /** The object of config.json that describes the decoder: a part of it for multimodal models, else all of it. */
    public JsonNode decoder() {
        JsonNode outer = config.path("thinker_config").isObject() ? config.path("thinker_config") : config;
        return DECODERS.stream()
                .map(outer::path)
                .filter(JsonNode::isObject)
                .findFirst()
                .orElse(outer);
    }

    /** The element type of the model by config.json: {@code dtype}, or {@code torch_dtype} of older files; null if not known. */
    public @Nullable Dtype dtype() {
        return Stream.of(decoder(), config)
                .flatMap(node -> Stream.of(node.path("dtype"), node.path("torch_dtype")))
                .map(JsonNode::asText)
                .filter(text -> !text.isEmpty())
                .findFirst()
                .map(text -> switch (text) {
                    case "bfloat16" -> Dtype.BF16;
                    case "float16" -> Dtype.F16;
                    case "float32" -> Dtype.F32;
                    default -> null;
                })
                .orElse(null);
    }

    /** The number of the decoder's layers that config.json states. */
    public OptionalInt layers() {
        return Stream.of(decoder(), config)
                .flatMap(node -> LAYERS.stream().map(node::path))
                .filter(value -> value.isIntegralNumber() && value.canConvertToInt() && value.intValue() > 0)
                .mapToInt(JsonNode::intValue)
                .findFirst();
    }
}
