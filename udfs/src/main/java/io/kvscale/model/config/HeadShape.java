package io.kvscale.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.model.config.LayerCache.Kind;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import java.util.List;

/** How many KV heads a layer has, and how many channels a head of K and of V. */
record HeadShape(ConfigJson json, int layers, int queryHeads) {
    static final String[] KV_HEADS = {
        "num_key_value_heads", "num_kv_heads", "n_head_kv", "num_query_groups", "multi_query_group_num"
    };
    static final String[] HEAD_DIM = {"head_dim", "kv_channels"};

    private static final int MOST = Geometry.MAX_CHANNELS;

    int kvHeads(Kind kind, int layer) {
        String key = json.key(KV_HEADS);
        List<JsonNode> each = json.value(key).isArray() ? json.perLayer(layers, key) : null;
        if (each != null) {
            JsonNode entry = each.get(layer);
            boolean cached = kind == Kind.FULL || kind == Kind.SLIDING;
            return cached ? fitting(json.atLeastOne(entry, key, MOST), key) : json.integer(entry, key, MOST);
        }
        String special = kind == Kind.SLIDING ? "swa_num_key_value_heads" : "num_global_key_value_heads";
        if (json.has(special)) {
            return json.required(MOST, special);
        } else if (isMultiQuery()) {
            // Falcon-7B says num_kv_heads: 71, which its class then ignores.
            return 1;
        } else if (!json.flag("multi_query_attention", true)) {
            return queryHeads; // ChatGLM's class ignores multi_query_group_num then.
        }
        int heads = json.optional(MOST, KV_HEADS);
        if (heads == 0) {
            heads = json.object("attn_config").optional(MOST, "kv_n_heads");
        }
        return heads == 0 ? unstated(key) : fitting(heads, key);
    }

    private boolean isMultiQuery() {
        return json.flag("multi_query", false) && !json.flag("new_decoder_architecture", false);
    }

    private int fitting(int heads, String key) {
        if (queryHeads % heads != 0) {
            throw json.bad("config.json: num_attention_heads is "
                    + (json.has(json.key(ConfigReader.QUERY_HEADS)) ? "" : "missing, which means ") + queryHeads
                    + ", which is not a multiple of " + key + ", " + heads);
        }
        return heads;
    }

    /** The KV heads where the file has no number for them. Without model_type there is no class with a default. */
    private int unstated(String key) {
        ModelType type = json.type();
        if (!type.hasDefaults() && !type.name().isEmpty() && !json.node().has(key)) {
            throw json.bad("config.json has no " + key + ", and kvscale does not know the default of model_type "
                    + DataProblem.shown(type.name()) + ": add the key, with " + queryHeads
                    + " if each query head has a KV head of its own");
        }
        return queryHeads;
    }

    int keyDim(Kind kind) {
        // Zamba: its attention reads two hidden states side by side, so kv_channels is half of a head.
        if (json.type().readsTwoStates() || json.has("attention_head_dim")) {
            return json.required(MOST, "attention_head_dim");
        }
        String special = kind == Kind.SLIDING ? "swa_head_dim" : "global_head_dim";
        int stated = json.has(special) ? json.required(MOST, special) : json.optional(MOST, HEAD_DIM);
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

    int valueDim(Kind kind, int keyDim) {
        boolean special = kind == Kind.SLIDING && json.has("swa_v_head_dim");
        int stated = json.number(MOST, special ? "swa_v_head_dim" : "v_head_dim");
        return stated == 0 ? keyDim : stated;
    }

    /** The values of a latent tensor. */
    int latent() {
        return json.required(MOST, "kv_lora_rank") + json.required(MOST, "qk_rope_head_dim");
    }
}
