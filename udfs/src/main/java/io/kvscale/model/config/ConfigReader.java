package io.kvscale.model.config;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import io.kvscale.json.JsonProblem;
import io.kvscale.model.config.LayerCache.Kind;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Reads a {@link ModelConfig} from JSON. */
record ConfigReader(ConfigJson json, int queryHeads, int layers) {
    /** The keys under which multimodal models describe their decoder. */
    private static final List<String> DECODERS = List.of("text_config", "language_config", "llm_config");

    private static final String[] LAYERS = {"num_hidden_layers", "n_layer", "n_layers", "num_layers"};
    static final String[] QUERY_HEADS = {"num_attention_heads", "n_head", "n_heads"};

    /** The numbers that an outer object may repeat, each with its names. Other sizes there are those of other parts. */
    private static final List<String[]> REPEATED = List.of(LAYERS, QUERY_HEADS, HeadShape.KV_HEADS, HeadShape.HEAD_DIM);

    static ModelConfig read(byte[] bytes, String name) {
        JsonNode root;
        try {
            // Python writes Infinity, as in the time_step_limit of Mamba.
            root = Json.LENIENT_FILE
                    .with(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .readTree(bytes);
        } catch (IOException e) {
            throw new InvalidDataException(
                    ConfigJson.problem("config.json is not valid JSON: " + JsonProblem.whatAndWhere(e), name), e);
        }
        if (root == null || !root.isObject()) {
            throw new InvalidDataException(ConfigJson.problem("config.json is not a JSON object", name));
        }
        ConfigJson outer = new ConfigJson(root, name, ModelType.UNKNOWN);
        ConfigJson json = decoder(outer);
        List<JsonNode> architectures = outer.list("architectures");
        String architecture = architectures == null || architectures.isEmpty()
                ? ""
                : architectures.get(0).asText("");
        if (json.has("block_configs")) {
            throw json.bad("config.json describes each layer in block_configs, which kvscale does not read: leave out"
                    + " model_config, and set kv_heads, head_dim and hybrid as needed");
        }
        return new ConfigReader(json, json.required(Geometry.MAX_CHANNELS, QUERY_HEADS), layers(json))
                .config(DataProblem.shown(architecture));
    }

    /** NemotronH, as transformers 5 saves it, has a list of its layers and no number of them. */
    private static int layers(ConfigJson json) {
        if (json.value(json.key(LAYERS)).isMissingNode()) {
            List<JsonNode> kinds = json.list("layers_block_type");
            int listed = kinds == null ? json.text("hybrid_override_pattern").length() : kinds.size();
            if (listed > Slot.MAX_LAYER + 1) {
                throw json.bad("config.json lists " + listed + " layers, the maximum is " + (Slot.MAX_LAYER + 1));
            } else if (listed > 0) {
                return listed;
            }
        }
        return json.required(Slot.MAX_LAYER + 1, LAYERS);
    }

    private static ConfigJson decoder(ConfigJson root) {
        ConfigJson outer = root.has("thinker_config") ? root.object("thinker_config") : root;
        String key = outer.key(DECODERS.toArray(String[]::new));
        ConfigJson decoder = outer.has(key) ? outer.object(key) : outer;
        String type = decoder.text("model_type").isEmpty() ? root.text("model_type") : decoder.text("model_type");
        ConfigJson json = new ConfigJson(decoder.node(), root.name(), new ModelType(type));
        if (decoder != outer) {
            checkRepeated(outer, json, key);
        }
        return json;
    }

    /** transformers and vLLM read the inner object only, so a number that differs outside is a mistake. */
    private static void checkRepeated(ConfigJson outer, ConfigJson json, String inner) {
        for (String[] names : REPEATED) {
            String key = outer.key(names);
            String innerKey = json.key(names);
            JsonNode stated = json.value(innerKey);
            if (outer.has(key) && !outer.value(key).equals(stated)) {
                throw json.bad("config.json contradicts itself: " + key + " is "
                        + DataProblem.shown(outer.value(key).toString()) + ", but "
                        + (json.has(innerKey) ? DataProblem.shown(stated.toString()) : "missing") + " in " + inner
                        + (json.has(innerKey) || stated.isMissingNode() ? "" : ", which means " + stated));
            }
        }
    }

    private ModelConfig config(String architecture) {
        checkTheta();
        boolean mla = json.number(Geometry.MAX_CHANNELS, "kv_lora_rank") > 0;
        int window = LayerKinds.window(json);
        Kind[] kinds = new LayerKinds(json, layers, window).all();
        HeadShape shape = new HeadShape(json, layers, queryHeads);
        RotaryRule rotary = new RotaryRule(json, kinds);
        List<LayerCache> caches = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            Kind kind = kinds[layer];
            int heads = mla ? 1 : shape.kvHeads(kind, layer);
            int keyDim = mla ? shape.latent() : shape.keyDim(kind);
            int valueDim = mla ? 0 : shape.valueDim(kind, keyDim);
            if ((long) heads * Math.max(keyDim, valueDim) > Geometry.MAX_CHANNELS) {
                throw json.bad("config.json: " + heads + " KV heads times head_dim " + Math.max(keyDim, valueDim)
                        + " is not within 1.." + Geometry.MAX_CHANNELS + " channels");
            }
            caches.add(new LayerCache(
                    kind,
                    heads,
                    keyDim,
                    valueDim,
                    kind == Kind.SLIDING ? window : 0,
                    mla ? Rotary.NONE : rotary.of(layer, keyDim)));
        }
        return new ModelConfig(
                DataProblem.shown(json.type().name()),
                architecture,
                mla,
                queryHeads,
                json.number(Integer.MAX_VALUE, "vocab_size"),
                json.number(Integer.MAX_VALUE, "max_position_embeddings", "n_positions", "seq_length"),
                caches);
    }

    /** Says that a file is damaged: the scales do not depend on the number. */
    private void checkTheta() {
        JsonNode theta = json.value("rope_theta");
        if (json.has("rope_theta") && !(theta.isNumber() && theta.doubleValue() > 0)) {
            throw json.unexpected(theta, "rope_theta", "a number above 0");
        }
    }
}
