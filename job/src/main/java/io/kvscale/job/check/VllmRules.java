package io.kvscale.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.tensor.Role;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The rules of vLLM 0.33.0: {@code QuantizationConfig.get_cache_scale_mapper} for the names, and the methods for the KV
 * cache of compressed-tensors, ModelOpt, fp8 and Quark.
 */
final class VllmRules implements EngineRules {
    private static final String FP8 = "fp8";

    /** The methods that have no method for the KV cache. */
    private static final Set<String> DROPPING = Set.of(
            "awq",
            "awq_marlin",
            "auto_awq",
            "gptq",
            "gptq_marlin",
            "auto_gptq",
            "mxfp4",
            "gpt_oss_mxfp4",
            "bitsandbytes",
            "gguf",
            "torchao",
            "inc",
            "auto-round",
            "auto_round",
            "humming");

    /** The names of the loader's mapper, in its order. A name that one of them changed fits no later one. */
    private static final Map<Pattern, String> NAMES = Patterns.of(List.of(
            Map.entry("\\.kv_scale$", ".attn.k_scale"),
            Map.entry("\\.self_attn\\.[kv]_proj\\.([kv])_scale$", ".self_attn.attn.$1_scale"),
            Map.entry("\\.self_attn\\.qk(?:qk)?v_proj\\.([kv])_scale$", ".self_attn.attn.$1_scale"),
            Map.entry("\\.mixer\\.[kv]_proj\\.([kv])_scale$", ".mixer.attn.$1_scale"),
            Map.entry("\\.self_attn\\.q\\.scale$", ".self_attn.attn.q_scale"),
            Map.entry("\\.self_attn\\.([kv])_cache\\.scale$", ".self_attn.attn.$1_scale"),
            Map.entry("(?<!\\.attn)\\.([qkv])_scale$", ".attn.$1_scale")));

    private static final Map<Pattern, String> OUTPUT_NAMES = Patterns.of(List.of(
            Map.entry("\\.([qkv])_proj\\.output_scale$", ".attn.$1_scale"),
            Map.entry("\\.self_attn\\.prob_output_scale$", ".self_attn.attn.prob_scale")));

    @Override
    public String target() {
        return "vllm";
    }

    @Override
    public String versions() {
        return "vLLM 0.33.0";
    }

    @Override
    public String parameter(String tensor, CheckedModel model) {
        String method = model.checkpoint().quantMethod();
        String name = Patterns.replaced(tensor, NAMES);
        return method.equals("fp8") || method.equals("quark") ? Patterns.replaced(name, OUTPUT_NAMES) : name;
    }

    @Override
    public String parameterOf(String module, Role role, CheckedModel model) {
        return module + ".attn." + role.scaleName();
    }

    @Override
    public LoadPlan plan(CheckedModel model) {
        JsonNode config = model.quantization();
        if (config.isMissingNode()) {
            return model.hasScales()
                    ? LoadPlan.refuse("ValueError, no module or parameter of that name: the model has scales but no"
                            + " quantization_config in config.json")
                    : LoadPlan.drop(LoadPlan.AUTO, "the model has no scales and no quantization_config");
        }
        String method = model.checkpoint().quantMethod();
        if (model.mla()) {
            return LoadPlan.drop(LoadPlan.AUTO, "vLLM 0.33.0 loads no scales of a latent cache (MLA)");
        } else if (method.equals("compressed-tensors")) {
            return compressedTensors(config);
        } else if (ModelOptConfig.isModelOpt(method)) {
            return modelOpt(new ModelOptConfig(config));
        } else if (method.equals("fp8")) {
            return LoadPlan.loadFor(FP8, PairRule.JOINT);
        } else if (method.equals("quark")) {
            return quark(config);
        }
        return LoadPlan.drop(
                LoadPlan.AUTO,
                DROPPING.contains(method)
                        ? "quant_method " + method + " drops scales without a word"
                        : "kvscale knows no method for the KV cache of quant_method '" + method + "'");
    }

    private static LoadPlan compressedTensors(JsonNode config) {
        JsonNode scheme = config.path("kv_cache_scheme");
        if (!scheme.isObject()) {
            return LoadPlan.loadFor(FP8, PairRule.SEPARATE);
        }
        if (!ModelOptConfig.isFloat8(scheme)) {
            return LoadPlan.refuse("NotImplementedError: kv_cache_scheme is "
                    + scheme.path("type").asText() + " with "
                    + scheme.path("num_bits") + " bits, only float with 8 is supported; vLLM up to 0.19 read such"
                    + " scales as fp8");
        }
        String strategy = scheme.path("strategy").asText("");
        boolean byHead = strategy.equals("attn_head");
        if (!byHead && !strategy.equals("tensor")) {
            return LoadPlan.refuse("NotImplementedError: the strategy of kv_cache_scheme is '" + strategy
                    + "', only tensor and attn_head are supported");
        }
        if (!scheme.path("symmetric").asBoolean(false)) {
            return LoadPlan.refuse("NotImplementedError: kv_cache_scheme is not symmetric");
        }
        if (byHead && !config.has("config_groups")) {
            return LoadPlan.refuse("attn_head scales need the key config_groups in quantization_config");
        }
        LoadPlan plan = LoadPlan.load(
                FP8,
                PairRule.SEPARATE,
                "on AMD MI300 vLLM does not adapt scales of compressed-tensors to the GPU's fp8 format: large values"
                        + " saturate");
        return byHead
                ? plan.forHeads("attn_head scales need vLLM 0.17 or newer and a backend with scales by head:"
                        + " FlashAttention 3")
                : plan;
    }

    private static LoadPlan modelOpt(ModelOptConfig config) {
        if (config.algorithm().isEmpty()) {
            return LoadPlan.refuse("ValueError, Missing 'quant_algo': ModelOpt's config of a model whose KV cache alone"
                    + " is quantized");
        }
        if (config.isNested() && config.algorithm().equalsIgnoreCase("NVFP4")) {
            for (String key : List.of("group_size", "kv_cache_quant_algo", "exclude_modules")) {
                if (!config.has(key)) {
                    return LoadPlan.refuse("ValueError: ModelOpt's config with quant_algo NVFP4 has no " + key);
                }
            }
        }
        JsonNode cache = config.cache();
        boolean fp8 = cache.isObject()
                ? ModelOptConfig.isFloat8(cache)
                        && cache.path("dynamic").isBoolean()
                        && !cache.path("dynamic").asBoolean()
                : cache.asText("").equalsIgnoreCase("fp8");
        boolean fp4 = ModelOptConfig.isFloat4(cache) || cache.asText("").equalsIgnoreCase("nvfp4");
        if (fp8 || fp4) {
            return LoadPlan.load(fp8 ? "fp8_e4m3" : "nvfp4", PairRule.JOINT);
        }
        boolean mixed = config.algorithm().toUpperCase(Locale.ROOT).equals("MIXED_PRECISION");
        return cache.isMissingNode() && mixed
                ? LoadPlan.drop(LoadPlan.AUTO, "quant_algo MIXED_PRECISION without kv_cache_quant_algo loads no scales")
                : LoadPlan.loadFor(FP8, PairRule.JOINT);
    }

    private static LoadPlan quark(JsonNode config) {
        JsonNode group = config.path("export").path("kv_cache_group");
        if (!group.isArray()) {
            return LoadPlan.refuse("Quark's config has no export.kv_cache_group");
        }
        for (JsonNode pattern : group) {
            JsonNode layer = config.path("layer_quant_config").path(pattern.asText());
            if (!layer.isObject()) {
                return LoadPlan.refuse("ValueError: layer_quant_config has no entry for " + pattern + " of"
                        + " export.kv_cache_group");
            }
            JsonNode tensors = layer.path("output_tensors");
            if (!tensors.path("dtype").asText().equals("fp8_e4m3")
                    || !tensors.path("qscheme").asText().equals("per_tensor")) {
                return LoadPlan.refuse(
                        "NotImplementedError: output_tensors of " + pattern + " are not fp8_e4m3 and per_tensor");
            }
        }
        return LoadPlan.loadFor(FP8, PairRule.JOINT);
    }
}
