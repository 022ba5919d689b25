package io.kvscale.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The part of Quark's quantization config that is about the KV cache, as {@code QuarkConfig.from_config} reads it. */
final class QuarkConfig {
    private QuarkConfig() {}

    /** Why vLLM and SGLang refuse the config; null if they load scales with it. */
    static @Nullable String refusal(JsonNode config) {
        JsonNode group = config.path("export").path("kv_cache_group");
        if (!group.isArray()) {
            return "Quark's config has no export.kv_cache_group";
        }
        List<JsonNode> outputs = new ArrayList<>();
        for (Map.Entry<String, JsonNode> layer :
                config.path("layer_quant_config").properties()) {
            for (JsonNode pattern : group) {
                if (matches(layer.getKey(), pattern.asText())) {
                    outputs.add(layer.getValue().path("output_tensors"));
                    break;
                }
            }
        }
        if (group.isEmpty()) {
            return null;
        } else if (outputs.isEmpty()) {
            return "ValueError: layer_quant_config has no entry for " + group + " of export.kv_cache_group";
        }
        JsonNode first = outputs.get(0);
        if (outputs.stream().anyMatch(other -> !other.equals(first))) {
            return "ValueError: output_tensors of the entries for export.kv_cache_group differ";
        }
        return first.path("dtype").asText().equals("fp8_e4m3")
                        && first.path("qscheme").asText().equals("per_tensor")
                ? null
                : "NotImplementedError: output_tensors are not fp8_e4m3 and per_tensor for " + group;
    }

    /** Whether a name matches a pattern in which {@code *} stands for any characters. */
    private static boolean matches(String name, String pattern) {
        int at = 0;
        int p = 0;
        int star = -1;
        int from = 0;
        while (at < name.length()) {
            if (p < pattern.length() && pattern.charAt(p) == '*') {
                star = p++;
                from = at;
            } else if (p < pattern.length() && pattern.charAt(p) == name.charAt(at)) {
                p++;
                at++;
            } else if (star >= 0) {
                p = star + 1;
                at = ++from;
            } else {
                return false;
            }
        }
        while (p < pattern.length() && pattern.charAt(p) == '*') {
            p++;
        }
        return p == pattern.length();
    }
}
