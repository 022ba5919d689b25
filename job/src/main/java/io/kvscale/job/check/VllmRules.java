package io.kvscale.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Role;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
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

    /** The classes whose attention gets no quantization config, so that it has no parameters for scales. */
    private static final Set<String> FAILING = Set.of(
            "BailingMoeForCausalLM",
            "BailingMoeV2ForCausalLM",
            "JambaForCausalLM",
            "JambaForSequenceClassification",
            "Lfm2ForCausalLM",
            "Lfm2MoeForCausalLM",
            "Plamo3ForCausalLM");

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

    private static final Pattern OF_ATTENTION = Pattern.compile("(.*)\\.attn\\.(?:[qkv]|prob)_scale");

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
        if (model.hasScales() && FAILING.contains(model.architecture())) {
            return LoadPlan.refuse("ValueError, no module or parameter of that name: the class " + model.architecture()
                    + " of vLLM 0.33.0 has no parameter for scales, and stops at their tensors");
        }
        LoadPlan plan = plan(config, model.checkpoint().quantMethod());
        if (model.mla() && plan.outcome() == LoadPlan.Outcome.LOAD) {
            return LoadPlan.drop(plan.cacheType(), "vLLM 0.33.0 loads no scales of a latent cache (MLA)");
        }
        LoadPlan held = plan.pairs() == PairRule.JOINT ? rounded(plan, model.checkpoint()) : plan;
        return plan.outcome() == LoadPlan.Outcome.REFUSE
                ? plan
                : model.checkpoint().scales().keySet().stream()
                        .filter(name -> !meetsModule(name, model))
                        .findFirst()
                        .map(name -> LoadPlan.refuse("ValueError, no module or parameter named "
                                + parameter(name, model) + ": " + name + " belongs to no module of the model"))
                        .orElse(held);
    }

    /**
     * The plan for methods other than compressed-tensors. Their parameters are created in the dtype that vLLM runs the model
     * in, to which loading rounds the scales.
     */
    private static LoadPlan rounded(LoadPlan plan, Checkpoint checkpoint) {
        Dtype known = checkpoint.dtype();
        Dtype dtype = known == null ? Dtype.F32 : known;
        return plan.held(
                dtype,
                "vLLM rounds the scales of quant_method " + checkpoint.quantMethod() + " to the dtype of the model"
                        + (dtype == Dtype.F32
                                ? ", which is not known here: the values above are those of the files"
                                : ": the values above are in " + (dtype == Dtype.BF16 ? "bfloat16" : "float16")
                                        + ", unless you start it with another --dtype"));
    }

    /**
     * Whether the loader knows the module of a scale. It ignores the scale of a module that has no such parameter, but
     * stops at a module that the model does not have.
     */
    private boolean meetsModule(String name, CheckedModel model) {
        Matcher matcher = OF_ATTENTION.matcher(parameter(name, model));
        return matcher.matches() && model.hasWeights(matcher.group(1));
    }

    private static LoadPlan plan(JsonNode config, String method) {
        if (method.equals("compressed-tensors")) {
            return compressedTensors(config);
        } else if (ModelOptConfig.isModelOpt(method)) {
            return modelOpt(new ModelOptConfig(config));
        } else if (method.equals("fp8")) {
            return LoadPlan.loadFor(FP8, PairRule.JOINT);
        } else if (method.equals("quark")) {
            String refusal = QuarkConfig.refusal(config);
            return refusal == null ? LoadPlan.loadFor(FP8, PairRule.JOINT) : LoadPlan.refuse(refusal);
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
        String algorithm = config.algorithm().toUpperCase(Locale.ROOT);
        for (String key : config.isNested() ? required(algorithm) : List.<String>of()) {
            if (!config.has(key)) {
                return LoadPlan.refuse("ValueError: ModelOpt's config with quant_algo " + algorithm + " has no " + key);
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
        return cache.isMissingNode() && algorithm.equals("MIXED_PRECISION")
                ? LoadPlan.drop(LoadPlan.AUTO, "quant_algo MIXED_PRECISION without kv_cache_quant_algo loads no scales")
                : LoadPlan.loadFor(FP8, PairRule.JOINT);
    }

    /** The keys that hf_quant_config.json must have. */
    private static List<String> required(String algorithm) {
        if (algorithm.contains("NVFP4")) {
            return List.of("group_size", "kv_cache_quant_algo", "exclude_modules");
        }
        return algorithm.contains("MXFP8") ? List.of("kv_cache_quant_algo", "exclude_modules") : List.of();
    }
}
