package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Writes scales as ModelOpt's layer-wise KV cache has them (pull request 2272, schema version 1): each layer is FP8, NVFP4 or
 * FP8_K_NVFP4_V, and layers without scales stay in 16 bits.
 */
final class LayerwiseModelOptExporter implements ModelExporter {
    private static final String MIXED = "FP8_K_NVFP4_V";

    @Override
    public String target() {
        return "modelopt-layerwise";
    }

    @Override
    public String engine() {
        return "ModelOpt";
    }

    @Override
    public String summary() {
        return "by layer fp8, NVFP4, or K fp8 and V NVFP4; schema version 1";
    }

    @Override
    public Set<String> files() {
        return Set.of(CheckpointEdits.SCALES, ModelOptEdits.FILE);
    }

    @Override
    public @Nullable String refusal(
            SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common, ModelQuantization model) {
        String refusal = ModelOptEdits.schemeRefusal(schemes, engine());
        if (refusal != null) {
            return refusal;
        }
        for (Slot slot : schemes.keySet()) {
            if (slot.role() == Role.KEY && algo(schemes, slot.layer()) == null) {
                return slot + " is NVFP4, but its value is fp8; ModelOpt's layers are FP8, NVFP4 or " + MIXED;
            }
        }
        return ModelOptEdits.baseRefusal(model);
    }

    /** The word for a layer; null if there is none. */
    private static @Nullable String algo(Map<Slot, QuantizationScheme> schemes, int layer) {
        boolean key = isNvfp4(schemes, new Slot(layer, Role.KEY));
        boolean value = isNvfp4(schemes, new Slot(layer, Role.VALUE));
        return key == value ? key ? ModelOptEdits.NVFP4 : ModelOptEdits.FP8 : value ? MIXED : null;
    }

    private static boolean isNvfp4(Map<Slot, QuantizationScheme> schemes, Slot slot) {
        QuantizationScheme scheme = schemes.get(slot);
        return scheme != null && SlotNeeds.isNvfp4(scheme);
    }

    @Override
    public ModelOverlay overlay(ScaleTable table, AttentionNames names, ModelQuantization model) {
        Map<Slot, QuantizationScheme> schemes = new LinkedHashMap<>();
        table.slots().forEach((slot, scales) -> schemes.put(slot, scales.scheme()));
        Map<String, Object> layers = new LinkedHashMap<>();
        TreeSet<Integer> numbers = new TreeSet<>();
        schemes.keySet().forEach(slot -> numbers.add(slot.layer()));
        for (int layer : numbers) {
            layers.put(names.of(layer), Map.of("quant_algo", String.valueOf(algo(schemes, layer))));
        }
        Map<String, Object> entries = new LinkedHashMap<>();
        entries.put(ModelOptEdits.ALGO, "MIXED_PRECISION");
        entries.put("kv_cache_schema_version", 1);
        entries.put("kv_cache_quantized_layers", layers);
        return ModelOptEdits.overlay(ModelOptEdits.tensors(table, names), model, entries, entries);
    }

    @Override
    public List<String> notes(ScaleTable table, ModelQuantization model) {
        return List.of(
                "no released engine reads layer-wise KV schemes yet: vLLM's pull request 56116 takes FP8 and NVFP4 layers,"
                        + " not " + MIXED);
    }

    @Override
    public boolean skipsLayers() {
        return true;
    }
}
