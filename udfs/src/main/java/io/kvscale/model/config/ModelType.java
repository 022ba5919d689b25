package io.kvscale.model.config;

import io.kvscale.model.config.Rotary.Pairing;
import java.util.Map;
import java.util.Set;

/**
 * What transformers' classes know of a model type and config.json need not say. Config files leave out values that equal
 * the defaults of the class.
 *
 * @param name {@code model_type}; empty if the file has none
 */
record ModelType(String name) {
    private static final Map<String, Map<String, Integer>> DEFAULTS = Map.of(
            "llama", Map.of("num_hidden_layers", 32, "num_attention_heads", 32, "hidden_size", 4096),
            "mistral",
                    Map.of(
                            "num_hidden_layers",
                            32,
                            "num_attention_heads",
                            32,
                            "num_key_value_heads",
                            8,
                            "hidden_size",
                            4096),
            "mixtral", Map.of("num_key_value_heads", 8),
            "gemma", Map.of("num_attention_heads", 16, "num_key_value_heads", 16, "head_dim", 256),
            "gemma2",
                    Map.of(
                            "num_attention_heads",
                            8,
                            "num_key_value_heads",
                            4,
                            "head_dim",
                            256,
                            "sliding_window",
                            4096,
                            "sliding_window_pattern",
                            2),
            "gemma3_text",
                    Map.of(
                            "num_hidden_layers",
                            26,
                            "num_attention_heads",
                            8,
                            "num_key_value_heads",
                            4,
                            "head_dim",
                            256,
                            "sliding_window",
                            4096,
                            "sliding_window_pattern",
                            6),
            "qwen3", Map.of("head_dim", 128),
            "qwen3_next", Map.of("head_dim", 256, "full_attention_interval", 4),
            "gpt_oss",
                    Map.of(
                            "num_key_value_heads",
                            8,
                            "head_dim",
                            64,
                            "sliding_window",
                            128,
                            "sliding_window_pattern",
                            2),
            "cohere2", Map.of("sliding_window", 4096, "sliding_window_pattern", 4));

    /** The part of a head that is rotated, where it is not the whole. */
    private static final Map<String, Double> PARTIAL = Map.of(
            "phi", 0.5,
            "glm", 0.5,
            "glm4", 0.5,
            "glm4_moe", 0.5,
            "persimmon", 0.5,
            "nemotron", 0.5,
            "stablelm", 0.25,
            "gpt_neox", 0.25,
            "qwen3_next", 0.25);

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
            "persimmon",
            "bitnet");

    private static final Set<String> WITHOUT_ROPE =
            Set.of("gpt2", "gpt_neo", "gpt_bigcode", "bloom", "opt", "mpt", "jamba", "nemotron_h");

    /** The default of a key; 0 if there is none. */
    int byDefault(String key) {
        return DEFAULTS.getOrDefault(name, Map.of()).getOrDefault(key, 0);
    }

    double partialRotary() {
        return PARTIAL.getOrDefault(name, 1.0);
    }

    boolean isWithoutRope() {
        return WITHOUT_ROPE.contains(name);
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
