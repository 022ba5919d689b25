package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes scales as ModelOpt exports them: {@code X.k_proj.k_scale} of shape [], F32, and {@code hf_quant_config.json} with
 * {@code kv_cache_quant_algo}. NVFP4 scales are absmax/448, as ModelOpt since 0.42 and TensorRT-LLM have them.
 *
 * @param target the word of {@code --for}
 * @param engine who loads the scales
 * @param summary what it writes
 * @param nvfp4Only whether the engine uses the scales of an NVFP4 cache only, and says so in a note
 */
record ModelOptExporter(String target, String engine, String summary, boolean nvfp4Only) implements ModelExporter {
    static final String FP8_UNUSED = "TensorRT-LLM runs an fp8 cache with a scale of 1.0, whatever the checkpoint says:"
            + " these scales are not used; calibrate for nvfp4";

    static ModelOptExporter modelOpt() {
        return new ModelOptExporter("modelopt", "ModelOpt", "fp8 by tensor or NVFP4, as ModelOpt exports it", false);
    }

    static ModelOptExporter tensorRtLlm() {
        return new ModelOptExporter(
                "tensorrt-llm", "TensorRT-LLM", "NVFP4, and fp8 by tensor, which TensorRT-LLM does not use", true);
    }

    @Override
    public Set<String> files() {
        return Set.of(CheckpointEdits.SCALES, ModelOptEdits.FILE);
    }

    @Override
    public @Nullable String refusal(
            SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common, ModelQuantization model) {
        String refusal = ModelOptEdits.schemeRefusal(schemes, engine);
        if (refusal != null) {
            return refusal;
        }
        String mixed = SlotNeeds.mixed(schemes, common, "one kv_cache_quant_algo is for all layers");
        if (mixed != null) {
            return mixed;
        }
        String base = ModelOptEdits.baseRefusal(model);
        return base == null
                        && nvfp4Only
                        && model.config().isObject()
                        && !model.quantConfig().isObject()
                ? "the model has no " + ModelOptEdits.FILE + ", and TensorRT-LLM does not read NVFP4 from config.json:"
                        + " take the checkpoint with that file"
                : base;
    }

    @Override
    public boolean usesScales(QuantizationScheme scheme) {
        return !nvfp4Only || SlotNeeds.isNvfp4(scheme);
    }

    @Override
    public ModelOverlay overlay(ScaleTable table, AttentionNames names, ModelQuantization model) {
        return ModelOptEdits.overlay(
                ModelOptEdits.tensors(table, names),
                model,
                SlotNeeds.isNvfp4(table.scheme()) ? ModelOptEdits.NVFP4 : ModelOptEdits.FP8);
    }

    @Override
    public List<String> notes(ScaleTable table, ModelQuantization model) {
        if (nvfp4Only) {
            return usesScales(table.scheme()) ? List.of() : List.of(FP8_UNUSED);
        }
        return model.method() == ModelQuantization.Method.UNQUANTIZED ? List.of(ModelOptEdits.KV_ONLY) : List.of();
    }
}
