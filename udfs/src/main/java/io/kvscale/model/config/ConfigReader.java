package io.kvscale.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import io.kvscale.json.JsonProblem;
import io.kvscale.model.config.LayerCache.Kind;
import io.kvscale.model.config.Rotary.Pairing;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a {@link ModelConfig} from JSON. */
final class ConfigReader {
    /** The keys under which multimodal models describe their decoder. */
    private static final List<String> DECODERS = List.of("text_config", "language_config", "llm_config");

    private final ConfigJson json;
    private final int layers;
    private final int queryHeads;
    private final int window;

    private ConfigReader(ConfigJson json) {
        this.json = json;
        if (json.has("block_configs")) {
            throw json.bad("config.json describes each layer in block_configs, which kvscale does not read: leave out"
                    + " model_config, and set kv_heads, head_dim and hybrid as needed");
        }
        this.queryHeads = json.required(Geometry.MAX_CHANNELS, "num_attention_heads", "n_head", "n_heads");
        this.layers = json.required(Slot.MAX_LAYER + 1, "num_hidden_layers", "n_layer", "n_layers", "num_layers");
        int stated = json.number(Integer.MAX_VALUE, "sliding_window", "sliding_window_size", "attention_chunk_size");
        this.window = json.flag("use_sliding_window", true) ? stated : 0;
    }

    static ModelConfig read(byte[] bytes, String name) {
        JsonNode root;
        try {
            root = Json.LENIENT_FILE.readTree(bytes);
        } catch (IOException e) {
            throw new InvalidDataException(
                    ConfigJson.problem("config.json is not valid JSON: " + JsonProblem.whatAndWhere(e), name), e);
        }
        if (root == null || !root.isObject()) {
            throw new InvalidDataException(ConfigJson.problem("config.json is not a JSON object", name));
        }
        JsonNode decoder = decoder(root);
        ModelType type = new ModelType(
                decoder.path("model_type").asText(root.path("model_type").asText("")));
        ConfigReader reader = new ConfigReader(new ConfigJson(decoder, name, type));
        String architecture = root.path("architectures").path(0).asText("");
        return reader.config(type, architecture);
    }

    private static JsonNode decoder(JsonNode root) {
        JsonNode outer = root.path("thinker_config").isObject() ? root.get("thinker_config") : root;
        return DECODERS.stream()
                .map(outer::path)
                .filter(JsonNode::isObject)
                .findFirst()
                .orElse(outer);
    }

    private ModelConfig config(ModelType type, String architecture) {
        boolean mla = json.number(Geometry.MAX_CHANNELS, "kv_lora_rank") > 0;
        Kind[] kinds = new LayerKinds(json, layers, window).all();
        List<LayerCache> caches = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            caches.add(mla ? latent(kinds[layer]) : cache(kinds[layer], layer, kinds));
        }
        return new ModelConfig(
                DataProblem.shown(type.name()),
                DataProblem.shown(architecture),
                mla,
                queryHeads,
                json.number(Integer.MAX_VALUE, "vocab_size"),
                json.number(Integer.MAX_VALUE, "max_position_embeddings", "n_positions", "seq_length"),
                caches);
    }

    private LayerCache latent(Kind kind) {
        int width = json.required(Geometry.MAX_CHANNELS, "kv_lora_rank")
                + json.required(Geometry.MAX_CHANNELS, "qk_rope_head_dim");
        checkChannels(1, width);
        return new LayerCache(kind, 1, width, 0, kind == Kind.SLIDING ? window : 0, Rotary.NONE);
    }

    private LayerCache cache(Kind kind, int layer, Kind[] kinds) {
        int heads = kvHeads(kind, layer);
        int keyDim = headDim(kind);
        int valueDim = json.number(
                Geometry.MAX_CHANNELS,
                kind == Kind.SLIDING && json.has("swa_v_head_dim") ? "swa_v_head_dim" : "v_head_dim");
        checkChannels(heads, Math.max(keyDim, valueDim));
        return new LayerCache(
                kind,
                heads,
                keyDim,
                valueDim == 0 ? keyDim : valueDim,
                kind == Kind.SLIDING ? window : 0,
                rotary(kind, layer, keyDim, kinds));
    }

    private void checkChannels(int heads, int headDim) {
        if ((long) heads * headDim > Geometry.MAX_CHANNELS) {
            throw json.bad("config.json: " + heads + " KV heads times head_dim " + headDim + " is not within 1.."
                    + Geometry.MAX_CHANNELS + " channels");
        }
    }

    private int kvHeads(Kind kind, int layer) {
        List<JsonNode> each = json.perLayer(layers, "num_key_value_heads", "num_kv_heads");
        if (each != null) {
            return json.integer(each.get(layer), "num_key_value_heads", Geometry.MAX_CHANNELS);
        }
        String special = kind == Kind.SLIDING ? "swa_num_key_value_heads" : "num_global_key_value_heads";
        if (json.has(special)) {
            return json.required(Geometry.MAX_CHANNELS, special);
        }
        int heads = json.number(
                Geometry.MAX_CHANNELS, "num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num");
        JsonNode nested = json.node().path("attn_config").path("kv_n_heads");
        if (heads == 0 && !nested.isMissingNode()) {
            heads = json.integer(nested, "attn_config.kv_n_heads", Geometry.MAX_CHANNELS);
        }
        if (heads == 0) {
            return json.flag("multi_query", false) && !json.flag("new_decoder_architecture", false) ? 1 : queryHeads;
        }
        if (queryHeads % heads != 0) {
            throw json.bad("config.json: num_attention_heads is " + queryHeads
                    + ", which is not a multiple of num_key_value_heads, " + heads);
        }
        return heads;
    }

    private int headDim(Kind kind) {
        String special = kind == Kind.SLIDING ? "swa_head_dim" : "global_head_dim";
        int stated = json.has(special)
                ? json.required(Geometry.MAX_CHANNELS, special)
                : json.number(Geometry.MAX_CHANNELS, "head_dim", "kv_channels");
        if (stated > 0) {
            return stated;
        }
        int hidden = json.required(Integer.MAX_VALUE, "hidden_size", "n_embd", "d_model");
        if (hidden % queryHeads != 0) {
            throw json.bad("config.json has no head_dim, and hidden_size " + hidden + " is not a multiple of "
                    + queryHeads + " heads");
        }
        return hidden / queryHeads;
    }

    private Rotary rotary(Kind kind, int layer, int headDim, Kind[] kinds) {
        @Nullable
        List<JsonNode> rotated =
                json.node().path("no_rope_layers").isEmpty() ? null : json.perLayer(layers, "no_rope_layers");
        boolean windows = Arrays.asList(kinds).contains(Kind.SLIDING);
        if (json.type().isWithoutRope()
                || json.flag("alibi", false)
                || json.node().path("attn_config").path("alibi").asBoolean(false)
                || (!json.type().isKnown() && !speaksOfRope())
                || (rotated != null && rotated.get(layer).asInt(1) == 0)
                || (json.type().rotatesOnlyWindows() && windows && kind == Kind.FULL)) {
            return Rotary.NONE;
        }
        int channels = json.number(headDim, "rotary_dim");
        if (channels == 0) {
            double part = json.fraction(json.node(), "partial_rotary_factor");
            part = part > 0 ? part : json.fraction(json.node(), "rotary_pct");
            part = part > 0 ? part : json.fraction(json.node().path("rope_parameters"), "partial_rotary_factor");
            channels = (int) (headDim * (part > 0 ? part : json.type().partialRotary()));
        }
        // An odd or tiny number of channels makes no pairs to look at.
        return channels < 2 || channels % 2 != 0
                ? Rotary.NONE
                : new Rotary(
                        json.type().pairing() == Pairing.EITHER
                                ? Pairing.EITHER
                                : json.type().pairing(),
                        channels);
    }

    private boolean speaksOfRope() {
        List<String> names = new ArrayList<>();
        json.node().fieldNames().forEachRemaining(names::add);
        return names.stream().anyMatch(key -> key.startsWith("rope_") || key.startsWith("rotary_"));
    }
}
