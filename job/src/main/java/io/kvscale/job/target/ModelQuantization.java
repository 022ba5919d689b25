package io.kvscale.job.target;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

/**
 * How the weights of a model are quantized, by its configs.
 *
 * @param config {@code quantization_config} of {@code config.json}; missing if there is none
 * @param quantConfig {@code hf_quant_config.json}; missing if there is none
 */
public record ModelQuantization(JsonNode config, JsonNode quantConfig) {
    /** A model that is not quantized. */
    public static final ModelQuantization NONE =
            new ModelQuantization(MissingNode.getInstance(), MissingNode.getInstance());

    /** The methods whose loaders are known. */
    enum Method {
        UNQUANTIZED,
        COMPRESSED_TENSORS,
        MODELOPT,
        FP8,
        QUARK,
        OTHER
    }

    Method method() {
        if (!config.isObject() && !quantConfig.isObject()) {
            return Method.UNQUANTIZED;
        }
        String word = word();
        if (word.startsWith("modelopt")) {
            return Method.MODELOPT;
        }
        return switch (word) {
            case "compressed-tensors" -> Method.COMPRESSED_TENSORS;
            case "fp8" -> Method.FP8;
            case "quark" -> Method.QUARK;
            default -> Method.OTHER;
        };
    }

    /** {@code quant_method}; ModelOpt's configs may name it as their producer. Empty if the model is not quantized. */
    public String word() {
        JsonNode stated = config.path("quant_method");
        if (stated.isTextual()) {
            return stated.textValue();
        }
        JsonNode files = config.isObject() ? config : quantConfig;
        return files.path("producer").path("name").asText("");
    }

    /** The object that holds ModelOpt's {@code quant_algo} and {@code kv_cache_quant_algo}, nested or flat. */
    static JsonNode modelOpt(JsonNode file) {
        return file.path("quantization").isObject() ? file.path("quantization") : file;
    }

    /** ModelOpt's {@code quant_algo}; empty if only the KV cache is quantized. */
    String quantAlgo() {
        return modelOpt(config.isObject() ? config : quantConfig)
                .path("quant_algo")
                .asText("");
    }
}
