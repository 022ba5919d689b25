package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.json.Json;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How vLLM and SGLang are told of KV scales, by the method that quantized the model's weights. Read from vLLM 0.33.0
 * ({@code quantization/compressed_tensors, modelopt, fp8, quark}) and SGLang 0.5.23 (the same names).
 */
final class CheckpointEdits {
    static final String SCALES = "model-kvscales.safetensors";
    static final String CONFIG = "config.json";
    private static final String QUANTIZATION_CONFIG = "quantization_config";
    private static final String KV_CACHE_SCHEME = "kv_cache_scheme";

    private CheckpointEdits() {}

    /** The overlay for a model; {@link #refusal} is null for it. */
    static ModelOverlay overlay(ScaleTable table, AttentionNames names, ModelQuantization model) {
        QuantizationScheme scheme = table.scheme();
        return switch (model.method()) {
            case UNQUANTIZED ->
                new ModelOverlay(
                        plain(table, names),
                        List.of(new JsonEdit(List.of(), Map.of(QUANTIZATION_CONFIG, kvOnly(scheme)))),
                        List.of());
            case COMPRESSED_TENSORS ->
                new ModelOverlay(
                        plain(table, names),
                        List.of(new JsonEdit(
                                List.of(QUANTIZATION_CONFIG),
                                Map.of(KV_CACHE_SCHEME, KvCacheScheme.compressedTensorsFields(scheme)))),
                        List.of());
            case MODELOPT ->
                ModelOptEdits.overlay(
                        projected(table, names),
                        model,
                        SlotNeeds.isNvfp4(scheme) ? ModelOptEdits.NVFP4 : ModelOptEdits.FP8);
            case FP8 -> new ModelOverlay(plain(table, names), List.of(), List.of());
            case QUARK -> new ModelOverlay(plain(table, names), QuarkEdits.of(model.config()), List.of());
            case OTHER -> throw new IllegalStateException("no scales load into " + model.word());
        };
    }

    /** Why scales of a scheme cannot be loaded from a model; null if they can. */
    static @Nullable String refusal(QuantizationScheme scheme, ModelQuantization model, String engine) {
        ModelQuantization.Method method = model.method();
        if (method == ModelQuantization.Method.OTHER) {
            return "the model's quant_method is " + (model.word().isEmpty() ? "missing" : model.word()) + "; " + engine
                    + " ignores KV scales of such a model without a word, or is not known to load them:"
                    + " take a checkpoint without quantization, or one of compressed-tensors, ModelOpt, fp8 or Quark";
        }
        if (SlotNeeds.isNvfp4(scheme) && method != ModelQuantization.Method.MODELOPT) {
            return "NVFP4 scales are loaded only with weights that ModelOpt quantized, and "
                    + (method == ModelQuantization.Method.UNQUANTIZED
                            ? "there are none: give such a model with --model"
                            : "the model's quant_method is " + model.word());
        }
        boolean byHead = !SlotNeeds.isTensorFp8(scheme) && !SlotNeeds.isNvfp4(scheme);
        return switch (method) {
            case COMPRESSED_TENSORS ->
                model.config().path(KV_CACHE_SCHEME).isObject()
                        ? already(QUANTIZATION_CONFIG + "." + KV_CACHE_SCHEME)
                        : byHead && !model.config().path("config_groups").isObject()
                                ? "quantization_config has no config_groups, without which " + engine
                                        + " loads one scale for a layer, not one for a head"
                                : null;
            case MODELOPT, FP8, QUARK ->
                byHead
                        ? "the model's quant_method is " + model.word() + ", with which " + engine
                                + " loads one scale for a layer, not one for a head: use strategy tensor"
                        : method == ModelQuantization.Method.MODELOPT
                                ? ModelOptEdits.refusal(model, true)
                                : method == ModelQuantization.Method.QUARK ? QuarkEdits.refusal(model.config()) : null;
            default -> null;
        };
    }

    /** The files of an overlay without a model. */
    static SortedMap<String, byte[]> alone(ModelOverlay overlay) {
        SortedMap<String, byte[]> files = new TreeMap<>(Map.of(SCALES, ScaleTensor.file(overlay.tensors())));
        overlay.config().forEach(edit -> files.put(CONFIG, Json.bytes(edit.entries())));
        overlay.quantConfig().forEach(edit -> files.put(ModelOptEdits.FILE, Json.bytes(edit.entries())));
        return files;
    }

    static String already(String key) {
        return "the model has KV scales: " + key + " is set; take the checkpoint without them";
    }

    /** compressed-tensors' config of a model whose KV cache alone is quantized. */
    static Map<String, @Nullable Object> kvOnly(QuantizationScheme scheme) {
        Map<String, @Nullable Object> quantization = new LinkedHashMap<>();
        quantization.put("config_groups", Map.of());
        quantization.put("quant_method", "compressed-tensors");
        quantization.put(KV_CACHE_SCHEME, KvCacheScheme.compressedTensorsFields(scheme));
        quantization.put("format", "dense");
        quantization.put("quantization_status", "frozen");
        quantization.put("global_compression_ratio", null);
        quantization.put("ignore", List.of());
        return quantization;
    }

    /** {@code X.k_scale} and {@code X.v_scale} for a module X, in the shape of the scales. */
    static List<ScaleTensor> plain(ScaleTable table, AttentionNames names) {
        List<ScaleTensor> tensors = new ArrayList<>();
        table.slots()
                .forEach((slot, scales) -> tensors.add(ScaleTensor.shaped(
                        names.of(slot.layer()) + "." + slot.role().scaleName(), scales)));
        return tensors;
    }

    /** ModelOpt's names where the engines know them: those of K and V, below {@code self_attn} and {@code mixer}. */
    private static List<ScaleTensor> projected(ScaleTable table, AttentionNames names) {
        List<ScaleTensor> tensors = new ArrayList<>();
        table.slots().forEach((slot, scales) -> {
            String module = names.of(slot.layer());
            boolean known = slot.role().isCached() && (module.endsWith(".self_attn") || module.endsWith(".mixer"));
            String name = known
                    ? ModelOptEdits.name(module, slot)
                    : module + "." + slot.role().scaleName();
            tensors.add(ScaleTensor.scalar(name, scales));
        });
        return tensors;
    }
}
