package io.kvscale.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.model.config.LayerCache.Kind;
import io.kvscale.tensor.DataProblem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Which layers have full attention, a sliding window or no KV cache. Model families say it with different keys. */
record LayerKinds(ConfigJson json, int layers, int window) {
    Kind[] all() {
        Kind[] kinds = new Kind[layers];
        Kind[] listed = listed();
        if (listed != null) {
            kinds = listed;
        } else {
            IntFunction<Kind> rule = rule();
            for (int layer = 0; layer < layers; layer++) {
                kinds[layer] = rule.apply(layer);
            }
        }
        markWithout(kinds);
        if (Arrays.stream(kinds).noneMatch(kind -> kind == Kind.FULL || kind == Kind.SLIDING)) {
            throw json.bad("config.json gives no layer a KV cache");
        }
        return kinds;
    }

    private Kind @Nullable [] listed() {
        List<JsonNode> words = json.perLayer(layers, "layer_types", "layers_block_type");
        List<JsonNode> numbers = json.perLayer(layers, "attn_type_list");
        List<JsonNode> windows = json.perLayer(layers, "hybrid_layer_pattern");
        String pattern = json.node().path("hybrid_override_pattern").asText("");
        if (words != null) {
            return words.stream().map(this::ofWord).toArray(Kind[]::new);
        } else if (numbers != null) {
            return numbers.stream()
                    .map(type -> json.integer(type, "attn_type_list", 1) == 1 ? Kind.FULL : Kind.NO_ATTENTION)
                    .toArray(Kind[]::new);
        } else if (windows != null) {
            return windows.stream()
                    .map(type -> json.integer(type, "hybrid_layer_pattern", 1) == 1 ? Kind.SLIDING : Kind.FULL)
                    .toArray(Kind[]::new);
        } else if (!pattern.isEmpty()) {
            if (pattern.length() != layers) {
                throw json.bad("config.json: hybrid_override_pattern has " + pattern.length()
                        + " characters, but there are " + layers + " layers");
            }
            return pattern.chars()
                    .mapToObj(c -> c == '*' ? Kind.FULL : Kind.NO_ATTENTION)
                    .toArray(Kind[]::new);
        }
        return null;
    }

    private Kind ofWord(JsonNode word) {
        Kind kind = LayerCache.kind(word.asText(""));
        if (kind == null) {
            throw json.bad("config.json: layer_types has " + DataProblem.shown(word.toString())
                    + ", which is not a kind of layer that kvscale knows");
        }
        return kind == Kind.SLIDING && window == 0 ? Kind.FULL : kind;
    }

    private IntFunction<Kind> rule() {
        int interval = json.number(layers, "full_attention_interval");
        int period = json.number(layers, "attn_layer_period");
        int offset = json.number(layers, "attn_layer_offset");
        List<Integer> attention = indices("attn_layer_indices", "full_attn_idxs");
        List<Integer> oneBased = indices(json.node().path("linear_attn_config"), "full_attn_layers");
        if (!attention.isEmpty()) {
            return layer -> attention.contains(layer) ? Kind.FULL : Kind.NO_ATTENTION;
        } else if (!oneBased.isEmpty()) {
            return layer -> oneBased.contains(layer + 1) ? Kind.FULL : Kind.NO_ATTENTION;
        } else if (period > 0) {
            return layer -> layer % period == offset % period ? Kind.FULL : Kind.NO_ATTENTION;
        } else if (interval > 0) {
            return layer -> (layer + 1) % interval == 0 ? Kind.FULL : Kind.NO_ATTENTION;
        }
        return window == 0 ? layer -> Kind.FULL : windowRule();
    }

    private IntFunction<Kind> windowRule() {
        JsonNode given = json.node().path("sliding_window_pattern");
        if (given.isTextual() && given.asText().matches("[LG]{1,100}")) {
            String letters = given.asText();
            return layer -> letters.charAt(layer % letters.length()) == 'L' ? Kind.SLIDING : Kind.FULL;
        }
        int pattern = json.number(layers, "sliding_window_pattern");
        if (pattern > 0) {
            return layer -> (layer + 1) % pattern == 0 ? Kind.FULL : Kind.SLIDING;
        }
        // Qwen2 and Qwen3: the layers from max_window_layers on have windows.
        int first = json.has("use_sliding_window") ? json.number(Integer.MAX_VALUE, "max_window_layers") : 0;
        return layer -> layer >= first ? Kind.SLIDING : Kind.FULL;
    }

    private void markWithout(Kind[] kinds) {
        int shared = json.number(layers, "num_kv_shared_layers");
        if (shared >= layers) {
            throw json.bad("config.json: num_kv_shared_layers is " + shared + ", but there are " + layers + " layers");
        }
        Arrays.fill(kinds, layers - shared, layers, Kind.SHARED);
        indices("cross_attention_layers").forEach(layer -> kinds[layer] = Kind.CROSS);
    }

    private List<Integer> indices(String... keys) {
        return Arrays.stream(keys)
                .flatMap(key -> indices(json.node(), key).stream())
                .peek(layer -> {
                    if (layer >= layers) {
                        throw json.bad("config.json: " + keys[0] + " names layer " + layer + ", but there are " + layers
                                + " layers");
                    }
                })
                .toList();
    }

    private List<Integer> indices(JsonNode from, String key) {
        List<Integer> indices = new ArrayList<>();
        if (from.path(key).isArray()) {
            if (from.path(key).size() > layers) {
                throw json.bad("config.json: " + key + " has more entries than the " + layers + " layers");
            }
            from.path(key).forEach(index -> indices.add(json.integer(index, key, layers)));
        }
        return indices;
    }
}
