package io.kvscale.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.checkpoint.Checkpoint;
import io.kvscale.tensor.Role;
import java.util.Locale;

/**
 * The rules of TensorRT-LLM's PyTorch flow, read from {@code _torch/modules/linear.py} at 00bbf71e, {@code
 * _torch/model_config.py} at 008e0af8 and {@code quantization/modelopt_config.py} at 2edf354d.
 */
final class TensorRtLlmRules implements EngineRules {
    @Override
    public String target() {
        return "tensorrt-llm";
    }

    @Override
    public String versions() {
        return "TensorRT-LLM (PyTorch flow, autumn of 2026)";
    }

    @Override
    public String parameter(String tensor, CheckedModel model) {
        return tensor;
    }

    @Override
    public String parameterOf(String module, Role role, CheckedModel model) {
        return module + (role == Role.KEY ? ".k_proj." : ".v_proj.") + role.scaleName();
    }

    @Override
    public LoadPlan plan(CheckedModel model) {
        Checkpoint checkpoint = model.checkpoint();
        if (model.mla()) {
            return LoadPlan.drop(LoadPlan.AUTO, "TensorRT-LLM runs a latent cache (MLA) with 1.0");
        }
        if (checkpoint.hfQuantConfig() != null) {
            return cache(cacheType(new ModelOptConfig(checkpoint.hfQuantConfig())));
        }
        JsonNode config = model.quantization();
        String method = checkpoint.quantMethod();
        if (method.equals("compressed-tensors")) {
            JsonNode scheme = config.path("kv_cache_scheme");
            if (config.path("config_groups").isEmpty()) {
                return LoadPlan.refuse("ValueError: config_groups of quantization_config is missing or empty");
            } else if (scheme.isObject() && !ModelOptConfig.isFloat8(scheme)) {
                return LoadPlan.refuse("ValueError: kv_cache_scheme is not float with 8 bits");
            }
            return cache(scheme.isObject() ? "FP8" : "");
        }
        boolean fp8 = ModelOptConfig.isModelOpt(method)
                && cacheType(new ModelOptConfig(config)).equals("FP8");
        return cache(fp8 ? "FP8" : "");
    }

    private static String cacheType(ModelOptConfig config) {
        JsonNode cache = config.cache();
        if (config.isNested()) {
            return cache.asText("");
        }
        return ModelOptConfig.isFloat8(cache) ? "FP8" : "";
    }

    private static LoadPlan cache(String type) {
        return switch (type) {
            case "NVFP4" -> LoadPlan.load("nvfp4", PairRule.BOTH);
            case "" -> LoadPlan.drop(LoadPlan.AUTO, "the config names no type of the KV cache");
            default ->
                LoadPlan.drop(
                        type.toLowerCase(Locale.ROOT),
                        "TensorRT-LLM uses scales only with an NVFP4 cache; with " + type + " the factor is 1.0");
        };
    }
}
