package io.kvscale.job.target;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** The tensors and configs of a checkpoint as ModelOpt 0.47 exports it, nested or flat. */
final class ModelOptEdits {
    static final String FILE = "hf_quant_config.json";
    static final String FP8 = "FP8";
    static final String NVFP4 = "NVFP4";
    static final String ALGO = "kv_cache_quant_algo";
    static final String SCHEME = "kv_cache_scheme";

    static final String KV_ONLY =
            "vLLM 0.33 and SGLang 0.5.23 refuse a ModelOpt model whose KV cache alone is quantized:"
                    + " use --for vllm or --for sglang for these";

    private ModelOptEdits() {}

    /** Why ModelOpt's format has no place for some slot; null if it has one for each. */
    static @Nullable String schemeRefusal(SortedMap<Slot, QuantizationScheme> schemes, String engine) {
        String unfit = SlotNeeds.unfit(
                schemes,
                scheme -> SlotNeeds.isTensorFp8(scheme) || SlotNeeds.isNvfp4(scheme),
                engine + " has one fp8 or NVFP4 scale for a slot, symmetric");
        return unfit != null ? unfit : SlotNeeds.unpaired(schemes, engine + " needs K and V scales of a layer");
    }

    /** Why KV scales of ModelOpt cannot be added to a model; null if they can. */
    static @Nullable String baseRefusal(ModelQuantization model) {
        return switch (model.method()) {
            case UNQUANTIZED -> null;
            case MODELOPT -> refusal(model, false);
            default ->
                "the model's quant_method is " + model.word()
                        + "; ModelOpt's KV scales go only into a model that ModelOpt"
                        + " quantized, or one without quantization";
        };
    }

    /** {@code X.k_proj.k_scale} for a module X. */
    static String name(String module, Slot slot) {
        return module + "." + (slot.role() == Role.KEY ? "k" : "v") + "_proj."
                + slot.role().scaleName();
    }

    /** One scalar a slot, with ModelOpt's names. */
    static List<ScaleTensor> tensors(ScaleTable table, AttentionNames names) {
        List<ScaleTensor> tensors = new ArrayList<>();
        table.slots()
                .forEach((slot, scales) -> tensors.add(ScaleTensor.scalar(name(names.of(slot.layer()), slot), scales)));
        return tensors;
    }

    /**
     * The overlay with one algorithm for all layers.
     *
     * @param model without quantization, or of ModelOpt
     * @param algo {@link #FP8} or {@link #NVFP4}
     */
    static ModelOverlay overlay(List<ScaleTensor> tensors, ModelQuantization model, String algo) {
        Map<String, Object> scheme = new LinkedHashMap<>();
        scheme.put("dynamic", false);
        scheme.put("num_bits", algo.equals(FP8) ? 8 : 4);
        scheme.put("type", "float");
        return overlay(tensors, model, Map.of(ALGO, algo), Map.of(SCHEME, scheme));
    }

    /**
     * An overlay with these entries in each config that is there; without any, in a new {@code hf_quant_config.json}.
     *
     * @param nested the entries where {@code quantization} is an object of its own
     * @param flat the entries where ModelOpt's keys are beside {@code quant_method}
     */
    static ModelOverlay overlay(
            List<ScaleTensor> tensors, ModelQuantization model, Map<String, Object> nested, Map<String, Object> flat) {
        List<JsonEdit> config = new ArrayList<>();
        List<JsonEdit> file = new ArrayList<>();
        if (model.config().isObject()) {
            config.add(edit(List.of("quantization_config"), model.config(), nested, flat));
        }
        if (model.quantConfig().isObject()) {
            file.add(edit(List.of(), model.quantConfig(), nested, flat));
        } else if (!model.config().isObject()) {
            file.add(new JsonEdit(List.of(), kvOnly(nested)));
        }
        return new ModelOverlay(tensors, config, file);
    }

    private static JsonEdit edit(List<String> at, JsonNode file, Map<String, Object> nested, Map<String, Object> flat) {
        if (!file.path("quantization").isObject()) {
            return new JsonEdit(at, flat);
        }
        List<String> inner = new ArrayList<>(at);
        inner.add("quantization");
        return new JsonEdit(inner, nested);
    }

    /** {@code hf_quant_config.json} of a model whose KV cache alone is quantized. */
    private static Map<String, @Nullable Object> kvOnly(Map<String, Object> entries) {
        Map<String, Object> producer = new LinkedHashMap<>();
        producer.put("name", "modelopt");
        // The first version whose NVFP4 scales are absmax/448 is 0.42; the keys were read from 0.47.
        producer.put("version", "0.47.0");
        Map<String, @Nullable Object> quantization = new LinkedHashMap<>();
        quantization.put("quant_algo", null);
        quantization.putAll(entries);
        quantization.put("exclude_modules", List.of());
        Map<String, @Nullable Object> file = new LinkedHashMap<>();
        file.put("producer", producer);
        file.put("quantization", quantization);
        return file;
    }

    /**
     * Why KV scales cannot be added to a model of ModelOpt; null if they can.
     *
     * @param needsAlgo whether the engine refuses a model whose weights are not quantized
     */
    static @Nullable String refusal(ModelQuantization model, boolean needsAlgo) {
        for (JsonNode file : List.of(model.config(), model.quantConfig())) {
            JsonNode keys = ModelQuantization.modelOpt(file);
            for (String key : List.of(ALGO, SCHEME)) {
                if (keys.hasNonNull(key)) {
                    return CheckpointEdits.already(key);
                }
            }
        }
        return needsAlgo && model.quantAlgo().isEmpty()
                ? "the model's ModelOpt config has no quant_algo, without which vLLM and SGLang refuse the model: take"
                        + " the checkpoint without quantization"
                : null;
    }
}
