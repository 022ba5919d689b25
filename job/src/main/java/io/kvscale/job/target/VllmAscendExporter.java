package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.json.Json;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes the C8 cache of vllm-ascend: {@code X.k_proj.kv_cache_scale} and {@code kv_cache_offset}, {@code v_proj} too, F32,
 * one for each channel, and their entries in {@code quant_model_description.json}. A code is
 * {@code clamp(round(x / scale + offset), -128, 127)}. Offsets are 0: a fallback that dequantizes ignores them. Read from
 * {@code quantization/methods/kv_c8.py} and {@code attention/attention_v1.py}.
 */
public final class VllmAscendExporter implements ScaleExporter {
    private static final String DESCRIPTION = "quant_model_description.json";
    private static final String C8 = "C8";
    private static final Set<Strategy> STRATEGIES = Set.of(Strategy.TENSOR, Strategy.ATTN_HEAD, Strategy.CHANNEL);

    @Override
    public String target() {
        return "vllm-ascend";
    }

    @Override
    public String engine() {
        return "vllm-ascend";
    }

    @Override
    public String summary() {
        return "int8 by tensor, attn_head or channel";
    }

    @Override
    public Set<String> files() {
        return Set.of(CheckpointEdits.SCALES, DESCRIPTION);
    }

    @Override
    public @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
        String unfit = SlotNeeds.unfit(
                schemes,
                scheme -> scheme.format() == NumberFormat.INT8
                        && scheme.symmetric()
                        && STRATEGIES.contains(scheme.strategy()),
                engine() + " loads only symmetric int8 scales by tensor, attn_head or channel");
        return unfit != null ? unfit : SlotNeeds.unpaired(schemes, "a C8 cache has both");
    }

    @Override
    public SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names) {
        List<ScaleTensor> tensors = new ArrayList<>();
        Map<String, Object> description = new LinkedHashMap<>();
        description.put("kv_cache_type", C8);
        table.slots().forEach((slot, scales) -> {
            String module = names.of(slot.layer()) + (slot.role() == Role.KEY ? ".k_proj" : ".v_proj") + ".kv_cache_";
            float[] channels = ChannelScales.of(scales);
            List<Long> shape = List.of((long) channels.length);
            tensors.add(new ScaleTensor(module + "scale", shape, channels));
            tensors.add(new ScaleTensor(module + "offset", shape, new float[channels.length]));
            description.put(module + "scale", C8);
            description.put(module + "offset", C8);
        });
        return new TreeMap<>(
                Map.of(CheckpointEdits.SCALES, ScaleTensor.file(tensors), DESCRIPTION, Json.bytes(description)));
    }

    @Override
    public List<String> notes(ScaleTable table) {
        return List.of(
                DESCRIPTION + " has only the entries of the KV cache: add them to the model's own, which needs an entry"
                        + " for every tensor, FLOAT for those that are not quantized",
                "copy " + CheckpointEdits.SCALES + " into the model's folder, enter its tensors into"
                        + " model.safetensors.index.json, and start vLLM with --quantization ascend",
                "vllm-ascend rounds the scales to the model's dtype");
    }
}
