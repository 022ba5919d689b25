package io.kvscale.job.target;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.Locale;

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

    /**
     * {@code quant_method} as vLLM reads it, in lower case. ModelOpt's nested config states none, and is {@code modelopt}. Empty if
     * the model is not quantized, or states no method.
     */
    public String word() {
        JsonNode file = config.isObject() ? config : quantConfig;
        String stated = file.path("quant_method").asText("").toLowerCase(Locale.ROOT);
        boolean nested = file.path("quantization").isObject();
        return stated.isEmpty() && nested ? "modelopt" : stated.replace("compressed_tensors", "compressed-tensors");
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
