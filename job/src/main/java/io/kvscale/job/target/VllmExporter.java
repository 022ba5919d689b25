package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.json.Json;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes the files from which vLLM loads scales, with the tensor names and the {@code quantization_config} that
 * compressed-tensors writes for a model whose KV cache alone is quantized.
 *
 * <p>Scales are f32, {@code [1]} or {@code [H,1,1]}. Only symmetric fp8 (e4m3) by tensor or attn_head is written: vLLM
 * would read any other scale as an fp8 scale.
 */
public final class VllmExporter implements ScaleExporter {
    private static final String SCALES = "model-kvscales.safetensors";
    private static final String CONFIG = "config.json";

    @Override
    public String target() {
        return "vllm";
    }

    @Override
    public String engine() {
        return "vLLM";
    }

    @Override
    public Set<String> files() {
        return Set.of(SCALES, CONFIG);
    }

    @Override
    public SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names) {
        return new TreeMap<>(Map.of(SCALES, scales(table, names), CONFIG, config(table.scheme())));
    }

    @Override
    public @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
        for (Map.Entry<Slot, QuantizationScheme> entry : schemes.entrySet()) {
            QuantizationScheme scheme = entry.getValue();
            if (!isLoadable(scheme)) {
                return entry.getKey() + " is " + scheme.format() + ", "
                        + scheme.strategy().word()
                        + (scheme.symmetric() ? "" : ", asymmetric")
                        + "; vLLM loads only symmetric fp8 scales by tensor or attn_head";
            }
            if (!scheme.equals(common)) {
                return (entry.getKey().role().isCached()
                                ? "schemes differ between K and V or between layers"
                                : entry.getKey() + " has a scheme of its own")
                        + "; vLLM takes one kv_cache_scheme for all";
            }
        }
        return null;
    }

    private static boolean isLoadable(QuantizationScheme scheme) {
        return scheme.format() == NumberFormat.FP8_E4M3
                && scheme.symmetric()
                && scheme.strategy().isByHeads();
    }

    private static byte[] scales(ScaleTable table, AttentionNames names) {
        SafetensorsWriter file = new SafetensorsWriter().metadata("format", "pt");
        table.slots().forEach((slot, scales) -> {
            ByteBuffer bytes = ByteBuffer.allocate(4 * scales.scale().length).order(ByteOrder.LITTLE_ENDIAN);
            for (float scale : scales.scale()) {
                bytes.putFloat(scale);
            }
            List<Long> shape = new ArrayList<>();
            for (int axis : scales.shape()) {
                shape.add((long) axis);
            }
            String name = names.of(slot.layer()) + "." + slot.role().scaleName();
            file.add(name, "F32", shape, bytes.array());
        });
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            file.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory does not fail", e);
        }
        return out.toByteArray();
    }

    private static byte[] config(QuantizationScheme scheme) {
        Map<String, @Nullable Object> quantization = new LinkedHashMap<>();
        quantization.put("config_groups", Map.of());
        quantization.put("quant_method", "compressed-tensors");
        quantization.put("kv_cache_scheme", KvCacheScheme.compressedTensorsFields(scheme));
        quantization.put("format", "dense");
        quantization.put("quantization_status", "frozen");
        quantization.put("global_compression_ratio", null);
        quantization.put("ignore", List.of());
        return Json.bytes(Map.of("quantization_config", quantization));
    }
}
