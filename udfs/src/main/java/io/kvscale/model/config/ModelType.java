package io.kvscale.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.json.Json;
import io.kvscale.model.config.Rotary.Pairing;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What transformers' classes know of a model type and config.json need not say. Config files leave out values that equal
 * the defaults of the class.
 *
 * @param name {@code model_type}; empty if the file has none
 */
record ModelType(String name) {
    /** The type of an object that has no defaults. */
    static final ModelType UNKNOWN = new ModelType("");

    /** The defaults of the classes of transformers, under the first name that kvscale has for a value. */
    private static final JsonNode DEFAULTS = table();

    /** Types with layers of several kinds, and the key that lists them; kvscale knows no default for it. */
    private static final Map<String, String> LAYER_LISTS = Map.of(
            "zamba", "layers_block_type",
            "zamba2", "layers_block_type",
            "nemotron_h", "hybrid_override_pattern",
            "minimax", "layer_types",
            "granitemoehybrid", "layer_types",
            "bamba", "attn_layer_indices",
            "kimi_linear", "linear_attn_config",
            "lfm2", "layer_types",
            "lfm2_moe", "layer_types");

    private static final Set<String> NEIGHBORS = Set.of(
            "cohere",
            "cohere2",
            "glm",
            "glm4",
            "gptj",
            "codegen",
            "chatglm",
            "llama4",
            "llama4_text",
            "ernie4_5",
            "ernie4_5_moe",
            "helium");

    private static final Set<String> HALVES = Set.of(
            "llama",
            "mistral",
            "mixtral",
            "ministral",
            "qwen2",
            "qwen2_moe",
            "qwen2_vl_text",
            "qwen2_5_vl_text",
            "qwen3",
            "qwen3_moe",
            "qwen3_next",
            "qwen3_vl_text",
            "gemma",
            "gemma2",
            "gemma3",
            "gemma3_text",
            "gemma3n_text",
            "phi",
            "phi3",
            "phimoe",
            "gpt_oss",
            "gpt_neox",
            "granite",
            "granitemoe",
            "olmo",
            "olmo2",
            "olmo3",
            "smollm3",
            "starcoder2",
            "stablelm",
            "internlm2",
            "exaone4",
            "nemotron",
            "minimax",
            "glm4_moe",
            "seed_oss",
            "falcon",
            "recurrent_gemma",
            "zamba2",
            "olmoe",
            "qwen2_vl",
            "qwen2_5_vl",
            "persimmon",
            "bitnet");

    private static final Set<String> WITHOUT_ROPE =
            Set.of("gpt2", "gpt_neo", "gpt_bigcode", "bloom", "opt", "mpt", "jamba", "nemotron_h", "zamba");

    private static JsonNode table() {
        try (InputStream in = ModelType.class.getResourceAsStream("model-types.json")) {
            return Json.MAPPER.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException("the table of model types is damaged", e);
        }
    }

    /** The default of a key; missing if there is none, or if it is not known. */
    JsonNode byDefault(String key) {
        return DEFAULTS.path(name).path(key);
    }

    /** Whether a number that has no default in the table has none in transformers either. */
    boolean hasDefaults() {
        return DEFAULTS.has(name);
    }

    /** The key that must say which layers have a KV cache; null if all have one, or the table says which. */
    @Nullable
    String layerList() {
        return LAYER_LISTS.get(name);
    }

    /** Whether a head of attention spans two hidden states, so that its head_dim is not hidden_size / heads. */
    boolean readsTwoStates() {
        return name.equals("zamba") || name.equals("zamba2");
    }

    boolean isWithoutRope(ConfigJson json) {
        return WITHOUT_ROPE.contains(name) || name.equals("zamba2") && !json.flag("use_mem_rope", false);
    }

    /** Whether layers of full attention have no RoPE where others have windows. */
    boolean rotatesOnlyWindows() {
        return name.equals("cohere2") || name.equals("exaone4");
    }

    Pairing pairing() {
        return NEIGHBORS.contains(name) ? Pairing.NEIGHBORS : HALVES.contains(name) ? Pairing.HALVES : Pairing.EITHER;
    }

    boolean isKnown() {
        return pairing() != Pairing.EITHER;
    }
}
