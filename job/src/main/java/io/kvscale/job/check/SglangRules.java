package io.kvscale.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.tensor.Role;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The rules of SGLang 0.5.23: {@code maybe_remap_kv_scale_name} for the names, and the methods for the KV cache of
 * compressed-tensors, ModelOpt, fp8 and Quark.
 */
final class SglangRules implements EngineRules {
    private static final String FP8 = "fp8_e4m3";

    private static final Map<Pattern, String> NAMES = Patterns.of(List.of(
            Map.entry("\\.kv_scale$", ".attn.k_scale"), Map.entry("\\.([kv])_proj\\.output_scale$", ".attn.$1_scale")));

    private static final Pattern PROJECTED = Pattern.compile("\\.(self_attn|mixer)\\.([kv])_proj\\.\\2_scale$");
    private static final Pattern PLAIN = Pattern.compile("\\.([kv])_scale$");

    /**
     * The classes of models whose attention has parameters for scales and whose {@code load_weights} maps their names. In
     * all others scales are dropped, because each class of SGLang loads weights by itself.
     */
    private static final Set<String> LOADING = Set.of(
            "ApertusForCausalLM",
            "ArceeForCausalLM",
            "Cohere2ForCausalLM",
            "CohereForCausalLM",
            "DbrxForCausalLM",
            "DeciLMForCausalLM",
            "DeepseekV2ForCausalLM",
            "DeepseekV32ForCausalLM",
            "DeepseekV3ForCausalLM",
            "Exaone4ForCausalLM",
            "GPTJForCausalLM",
            "Gemma2ForCausalLM",
            "Gemma3ForCausalLM",
            "Gemma3ForConditionalGeneration",
            "Gemma3nForCausalLM",
            "Gemma3nForConditionalGeneration",
            "Gemma4ForCausalLM",
            "Gemma4ForConditionalGeneration",
            "Glm4MoeLiteForCausalLM",
            "GlmMoeDsaForCausalLM",
            "IQuestCoderForCausalLM",
            "InternLM3ForCausalLM",
            "LlamaForCausalLM",
            "MiniMaxM2ForCausalLM",
            "MiniMaxM3SparseForCausalLM",
            "MiniMaxM3SparseForConditionalGeneration",
            "Ministral3ForCausalLM",
            "MistralForCausalLM",
            "MuseGlimmerForCausalLM",
            "MuseGlimmerForConditionalGeneration",
            "NemotronHForCausalLM",
            "NemotronHPuzzleForCausalLM",
            "Phi3ForCausalLM",
            "PhiMoEForCausalLM",
            "Qwen3NextForCausalLM",
            "Qwen3_5ForConditionalGeneration",
            "Qwen3_5MoeForConditionalGeneration",
            "TeleFLMForCausalLM");

    /**
     * The classes whose {@code load_weights} neither maps nor skips the names of scales, but looks each up and stops with a
     * KeyError.
     */
    private static final Set<String> FAILING = Set.of(
            "BaichuanForCausalLM",
            "ChatGLMModel",
            "DeepseekForCausalLM",
            "Ernie4_5_ForCausalLM",
            "Ernie4_5_MoeForCausalLM",
            "ExaoneForCausalLM",
            "FalconH1ForCausalLM",
            "GPT2LMHeadModel",
            "GPTBigCodeForCausalLM",
            "GemmaForCausalLM",
            "GraniteForCausalLM",
            "GraniteSWAForCausalLM",
            "InternLM2ForCausalLM",
            "JetNemotronForCausalLM",
            "MiMoForCausalLM",
            "MiniCPM3ForCausalLM",
            "MiniCPMForCausalLM",
            "MiniCPMSALAForCausalLM",
            "MllamaForConditionalGeneration",
            "Olmo2ForCausalLM",
            "OlmoForCausalLM",
            "OlmoeForCausalLM",
            "Phi3SmallForCausalLM",
            "Qwen2AudioForConditionalGeneration",
            "Qwen2VLForConditionalGeneration",
            "StableLmForCausalLM",
            "XverseForCausalLM",
            "XverseMoeForCausalLM");

    /** The classes that map ModelOpt's names only. */
    private static final Set<String> PROJECTED_ONLY = Set.of("Qwen3NextForCausalLM");

    @Override
    public String target() {
        return "sglang";
    }

    @Override
    public String versions() {
        return "SGLang 0.5.23";
    }

    @Override
    public String parameter(String tensor, CheckedModel model) {
        String other = Patterns.replaced(tensor, NAMES);
        if (!other.equals(tensor)) {
            return other;
        }
        String projected =
                PROJECTED.matcher(tensor).replaceFirst(model.mla() ? ".$1.attn_mqa.$2_scale" : ".$1.attn.$2_scale");
        return projected.equals(tensor) && !PROJECTED_ONLY.contains(model.architecture())
                ? PLAIN.matcher(tensor).replaceFirst(".attn.$1_scale")
                : projected;
    }

    @Override
    public String parameterOf(String module, Role role, CheckedModel model) {
        return module + (model.mla() ? ".attn_mqa." : ".attn.") + role.scaleName();
    }

    @Override
    public LoadPlan plan(CheckedModel model) {
        String architecture = model.architecture();
        if (model.hasScales() && FAILING.contains(architecture)) {
            return LoadPlan.refuse("KeyError: the class " + architecture
                    + " of SGLang 0.5.23 has no parameter for scales, and stops at their tensors");
        }
        JsonNode config = model.quantization();
        if (config.isMissingNode()) {
            return LoadPlan.drop(
                    LoadPlan.AUTO,
                    model.hasScales()
                            ? "the model has scales but no quantization_config: SGLang warns that they are not loaded"
                            : "the model has no scales and no quantization_config");
        }
        LoadPlan plan = plan(config, model.checkpoint().quantMethod());
        return plan.outcome() == LoadPlan.Outcome.LOAD && !architecture.isEmpty() && !LOADING.contains(architecture)
                ? LoadPlan.drop(plan.cacheType(), "SGLang 0.5.23 loads no scales in its class " + architecture)
                : plan;
    }

    private static LoadPlan plan(JsonNode config, String method) {
        if (method.equals("compressed-tensors")) {
            return compressedTensors(config.path("kv_cache_scheme"));
        } else if (ModelOptConfig.isModelOpt(method)) {
            return modelOpt(new ModelOptConfig(config));
        } else if (method.equals("fp8")) {
            return LoadPlan.loadFor(FP8, PairRule.JOINT_ABOVE_ZERO);
        } else if (method.equals("quark")) {
            String refusal = QuarkConfig.refusal(config);
            return refusal == null ? LoadPlan.loadFor(FP8, PairRule.JOINT_ABOVE_ZERO) : LoadPlan.refuse(refusal);
        }
        return LoadPlan.drop(LoadPlan.AUTO, "quant_method " + method + " has no parameters for scales of the KV cache");
    }

    private static LoadPlan compressedTensors(JsonNode scheme) {
        if (!scheme.isObject()) {
            return LoadPlan.drop(LoadPlan.AUTO, "quantization_config has no kv_cache_scheme");
        }
        boolean loadable = ModelOptConfig.isFloat8(scheme)
                && scheme.path("strategy").asText().equals("tensor")
                && scheme.path("symmetric").asBoolean(true)
                && !scheme.path("dynamic").asBoolean(false);
        return loadable
                ? LoadPlan.load(FP8, PairRule.JOINT_ABOVE_ZERO)
                : LoadPlan.drop(
                        LoadPlan.AUTO,
                        "kv_cache_scheme is " + scheme.path("type").asText() + " with " + scheme.path("num_bits")
                                + " bits, strategy " + scheme.path("strategy").asText()
                                + ": SGLang loads only symmetric static float with 8 bits by tensor, and drops others"
                                + " with a warning");
    }

    private static LoadPlan modelOpt(ModelOptConfig config) {
        if (config.algorithm().isEmpty()) {
            return LoadPlan.refuse(
                    "Cannot find 'quant_algo': ModelOpt's config of a model whose KV cache alone is" + " quantized");
        }
        JsonNode cache = config.cache();
        if (cache.isMissingNode()) {
            return LoadPlan.drop(LoadPlan.AUTO, "ModelOpt's config has no kv_cache_quant_algo");
        }
        if (cache.asText("").equalsIgnoreCase("NVFP4") || ModelOptConfig.isFloat4(cache)) {
            return LoadPlan.loadFor(
                    "nvfp4",
                    PairRule.JOINT_ABOVE_ZERO,
                    "on SM100 SGLang multiplies these scales by 6, unless one is exactly 1.0");
        }
        boolean fp8 = cache.asText("").equalsIgnoreCase("FP8");
        return fp8 || ModelOptConfig.isFloat8(cache)
                ? LoadPlan.load(FP8, PairRule.JOINT_ABOVE_ZERO)
                : LoadPlan.loadFor(FP8, PairRule.JOINT_ABOVE_ZERO);
    }
}
