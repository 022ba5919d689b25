package io.kvscale.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.Locale;

/**
 * ModelOpt's quantization config, in the nested form of hf_quant_config.json or the flat form of config.json.
 *
 * @param root the whole config
 */
record ModelOptConfig(JsonNode root) {
    static boolean isModelOpt(String quantMethod) {
        return quantMethod.startsWith("modelopt");
    }

    boolean isNested() {
        return root.path("quantization").isObject();
    }

    private JsonNode inner() {
        return isNested() ? root.path("quantization") : root;
    }

    boolean has(String key) {
        return inner().has(key);
    }

    /** {@code quant_algo}, the format of the weights; empty if there is none. */
    String algorithm() {
        return inner().path("quant_algo").asText("");
    }

    /** {@code kv_cache_scheme} or {@code kv_cache_quant_algo}, whichever is there; a missing node if neither is. */
    JsonNode cache() {
        for (String key : new String[] {"kv_cache_scheme", "kv_cache_quant_algo"}) {
            for (JsonNode object : new JsonNode[] {inner(), root}) {
                if (object.hasNonNull(key)) {
                    return object.get(key);
                }
            }
        }
        return MissingNode.getInstance();
    }

    /** The type of the cache in one word: {@code FP8}, {@code NVFP4}, the stated one in upper case, or {@code nothing}. */
    String cacheWord() {
        JsonNode cache = cache();
        if (cache.isObject()) {
            return isFloat8(cache) ? "FP8" : isFloat4(cache) ? "NVFP4" : "another type";
        }
        return cache.isTextual() ? cache.textValue().toUpperCase(Locale.ROOT) : "nothing";
    }

    /** Whether a {@code kv_cache_scheme} is of 8-bit floats. */
    static boolean isFloat8(JsonNode scheme) {
        return isFloat(scheme, 8);
    }

    static boolean isFloat4(JsonNode scheme) {
        return isFloat(scheme, 4);
    }

    private static boolean isFloat(JsonNode scheme, int bits) {
        JsonNode stated = scheme.path("num_bits");
        return stated.isInt()
                && stated.intValue() == bits
                && scheme.path("type").asText().equals("float");
    }
}
