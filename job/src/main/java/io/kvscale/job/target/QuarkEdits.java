package io.kvscale.job.target;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvscale.json.Json;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a model of Quark says that its KV cache is fp8: the outputs of the K and V projections are quantized. Read from vLLM
 * 0.33.0, {@code quantization/quark/quark.py}; {@code kv_cache_group} names entries of {@code layer_quant_config}.
 */
final class QuarkEdits {
    private static final List<String> GROUP = List.of("*k_proj", "*v_proj");
    private static final String LAYERS = "layer_quant_config";

    private QuarkEdits() {}

    static List<JsonEdit> of(JsonNode config) {
        Map<String, Object> entries = new LinkedHashMap<>();
        for (String pattern : GROUP) {
            JsonNode known = config.path(LAYERS).path(pattern);
            ObjectNode entry = known.isObject()
                    ? known.deepCopy()
                    : config.path("global_quant_config").deepCopy();
            entry.set("output_tensors", outputs());
            entries.put(pattern, entry);
        }
        return List.of(
                new JsonEdit(List.of("quantization_config", "export"), Map.of("kv_cache_group", GROUP)),
                new JsonEdit(List.of("quantization_config", LAYERS), entries));
    }

    private static ObjectNode outputs() {
        return Json.MAPPER
                .createObjectNode()
                .put("dtype", "fp8_e4m3")
                .put("is_dynamic", false)
                .put("qscheme", "per_tensor")
                .putNull("ch_axis")
                .putNull("group_size")
                .put("symmetric", true)
                .put("round_method", "half_even")
                .put("scale_type", "float")
                .put("observer_cls", "PerTensorMinMaxObserver");
    }

    /** Why KV scales cannot be added; null if they can. */
    static @Nullable String refusal(JsonNode config) {
        JsonNode group = config.path("export").path("kv_cache_group");
        if (group.size() > 0) {
            return CheckpointEdits.already("export.kv_cache_group");
        }
        if (!config.path("export").isObject()
                || !config.path("global_quant_config").isObject()) {
            return "the model's Quark config has no "
                    + (config.path("export").isObject() ? "global_quant_config" : "export")
                    + ": take the checkpoint as Quark exported it";
        }
        List<String> others = new ArrayList<>();
        for (Iterator<String> keys = config.path(LAYERS).fieldNames(); keys.hasNext(); ) {
            String key = keys.next();
            if (!GROUP.contains(key) && mayBeProjection(key)) {
                others.add(key);
            }
        }
        return others.isEmpty()
                ? null
                : "layer_quant_config of the model's Quark config has a scheme for " + others.get(0)
                        + ", which would hide the one of the KV cache: take a checkpoint without it";
    }

    /** Whether a pattern of fnmatch may match the K or V projection of some layer. */
    private static boolean mayBeProjection(String pattern) {
        String end = pattern.substring(1 + Math.max(pattern.lastIndexOf('.'), pattern.lastIndexOf('*')));
        return pattern.matches(".*[?\\[].*") || "k_proj".endsWith(end) || "v_proj".endsWith(end);
    }
}
