package io.kvscale.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.model.config.LayerCache.Kind;
import java.util.Arrays;
import java.util.List;

/** Which channels of K RoPE turns in a layer. */
record RotaryRule(ConfigJson json, Kind[] kinds) {

    Rotary of(int layer, int headDim) {
        boolean speaksOfRope = json.keys().anyMatch(key -> key.startsWith("rope_") || key.startsWith("rotary_"));
        if (json.type().isWithoutRope(json)
                || json.flag("alibi", false)
                || json.object("attn_config").flag("alibi", false)) {
            return Rotary.NONE;
        } else if (!(json.type().isKnown() || speaksOfRope)) {
            return Rotary.UNSTATED;
        } else if (!rotates(layer)) {
            return Rotary.NONE;
        }
        int stated = json.number(headDim, "rotary_dim");
        int channels = stated > 0 ? stated : (int) (headDim * part());
        // An odd or tiny number of channels makes no pairs to look at.
        return channels < 2 || channels % 2 != 0
                ? Rotary.UNSTATED
                : new Rotary(json.type().pairing(), channels);
    }

    private boolean rotates(int layer) {
        List<JsonNode> listed = json.list("no_rope_layers");
        List<JsonNode> rotated =
                listed == null || listed.isEmpty() ? null : json.perLayer(kinds.length, "no_rope_layers");
        int interval = json.optional(Integer.MAX_VALUE, "no_rope_layer_interval");
        if (rotated != null) {
            // 1 means RoPE, in spite of the key's name.
            return json.integer(rotated.get(layer), "no_rope_layers", 1) == 1;
        } else if (interval > 0) {
            return (layer + 1) % interval != 0;
        }
        boolean windows = Arrays.asList(kinds).contains(Kind.SLIDING);
        return !(json.type().rotatesOnlyWindows() && windows && kinds[layer] == Kind.FULL);
    }

    private double part() {
        for (ConfigJson from : List.of(json, json.object("rope_parameters"))) {
            String key = from.key("partial_rotary_factor", "rotary_pct");
            if (from.has(key)) {
                return from.fraction(key);
            }
        }
        double part = json.fraction("partial_rotary_factor");
        return part > 0 ? part : 1;
    }
}
