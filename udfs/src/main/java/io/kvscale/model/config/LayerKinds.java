package io.kvscale.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.model.config.LayerCache.Kind;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Slot;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Which layers have full attention, a sliding window or no KV cache. Model families say it with different keys. */
record LayerKinds(ConfigJson json, int layers, int window) {
    /** The tokens that layers with a sliding window keep; 0 if no layer has a window. */
    static int window(ConfigJson json) {
        // Off, as Qwen2's class has it by default: it then never reads sliding_window.
        return json.flag("use_sliding_window", true)
                ? json.number(
                        Integer.MAX_VALUE,
                        "sliding_window",
                        "sliding_window_size",
                        "attention_chunk_size",
                        "attention_window_size")
                : 0;
    }

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

    /** The kinds that a list gives. The classes that have a list do not read the intervals and periods of rule(). */
    private Kind @Nullable [] listed() {
        List<JsonNode> words = json.perLayer(layers, "layer_types", "layers_block_type");
        List<JsonNode> numbers = json.perLayer(layers, "attn_type_list");
        List<JsonNode> windows = json.perLayer(layers, "hybrid_layer_pattern");
        List<JsonNode> repeated = json.list("block_types");
        String pattern = json.text("hybrid_override_pattern");
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
        } else if (repeated != null && !repeated.isEmpty()) {
            return IntStream.range(0, layers)
                    .mapToObj(layer -> ofBlock(repeated.get(layer % repeated.size())))
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
        if (kind == Kind.SLIDING && window == 0 && json.flag("use_sliding_window", true)) {
            throw json.bad("config.json contradicts itself: layer_types has " + DataProblem.shown(word.toString())
                    + ", but there is no sliding_window");
        }
        return kind == Kind.SLIDING && window == 0 ? Kind.FULL : kind;
    }

    /** RecurrentGemma: all attention is within a window. */
    private Kind ofBlock(JsonNode word) {
        Kind kind = ofWord(word);
        return kind == Kind.FULL && window > 0 ? Kind.SLIDING : kind;
    }

    private IntFunction<Kind> rule() {
        int interval = json.optional(Slot.MAX_LAYER, "full_attention_interval");
        int period = json.optional(Slot.MAX_LAYER, "attn_layer_period");
        int offset = json.number(Slot.MAX_LAYER, "attn_layer_offset");
        List<Integer> attention = indices("attn_layer_indices", "full_attn_idxs");
        List<Integer> oneBased = indices(json.object("linear_attn_config"), "full_attn_layers");
        @Nullable String list = json.type().layerList();
        if (!attention.isEmpty()) {
            return layer -> attention.contains(layer) ? Kind.FULL : Kind.NO_ATTENTION;
        } else if (!oneBased.isEmpty()) {
            return layer -> oneBased.contains(layer + 1) ? Kind.FULL : Kind.NO_ATTENTION;
        } else if (list != null) {
            throw json.bad("config.json has no " + list + ", which says which layers of model_type "
                    + json.type().name() + " have a KV cache");
        } else if (period > 0) {
            return layer -> layer % period == offset % period ? Kind.FULL : Kind.NO_ATTENTION;
        } else if (interval > 0) {
            return layer -> (layer + 1) % interval == 0 ? Kind.FULL : Kind.NO_ATTENTION;
        }
        return window == 0 ? layer -> Kind.FULL : windowRule();
    }

    private IntFunction<Kind> windowRule() {
        JsonNode given = json.value("sliding_window_pattern");
        if (given.isTextual() && given.asText().matches("[LG]{1,100}")) {
            String letters = given.asText();
            return layer -> letters.charAt(layer % letters.length()) == 'L' ? Kind.SLIDING : Kind.FULL;
        }
        int pattern = json.number(Slot.MAX_LAYER, "sliding_window_pattern");
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
                .flatMap(key -> indices(json, key).stream())
                .peek(layer -> {
                    if (layer >= layers) {
                        throw json.bad("config.json: " + keys[0] + " names layer " + layer + ", but there are " + layers
                                + " layers");
                    }
                })
                .toList();
    }

    private List<Integer> indices(ConfigJson from, String key) {
        List<JsonNode> entries = from.list(key);
        if (entries == null) {
            return List.of();
        } else if (entries.size() > layers) {
            throw json.bad("config.json: " + key + " has more entries than the " + layers + " layers");
        }
        return entries.stream().map(index -> json.integer(index, key, layers)).toList();
    }
}
