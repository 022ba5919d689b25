package io.kvscale.job.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.safetensors.SafetensorsWriter;
import io.kvscale.scheme.KvCacheScheme;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleTable;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The files with which vLLM loads the scales, by the names and the {@code quantization_config} that compressed-tensors
 * writes for a model of which only the KV cache is quantized.
 *
 * <p>Scales are f32, {@code [1]} or {@code [H,1,1]}. Only symmetric fp8 by tensor or attn_head is written: vLLM would
 * take any other scale for an fp8 one.
 */
public final class VllmExport {
    private VllmExport() {}

    /**
     * Writes below {@code vllm/}, or nothing.
     *
     * @return why nothing was written; null if it was
     */
    public static @Nullable String write(ScaleTable table, OutputFolder output) {
        SortedMap<Slot, QuantizationScheme> schemes = new TreeMap<>();
        table.slots().forEach((slot, scales) -> schemes.put(slot, scales.scheme()));
        String refusal = refusal(schemes, table.scheme());
        if (refusal != null) {
            return refusal;
        }
        output.write("vllm/model-kvscales.safetensors", scales(table));
        output.write("vllm/config.json", config(table.scheme()));
        return null;
    }

    /**
     * Why vLLM could not load scales of these schemes; null if it could.
     *
     * @param common what holds where a slot has no scheme of its own
     */
    public static @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
        for (Map.Entry<Slot, QuantizationScheme> entry : schemes.entrySet()) {
            QuantizationScheme scheme = entry.getValue();
            if (!isLoadable(scheme)) {
                return entry.getKey() + " is " + scheme.format() + ", "
                        + scheme.strategy().word()
                        + (scheme.symmetric() ? "" : ", asymmetric")
                        + "; vLLM loads symmetric fp8 scales by tensor or attn_head only";
            }
            if (!scheme.equals(common)) {
                return "K and V differ in scheme; vLLM takes one kv_cache_scheme for both";
            }
        }
        return null;
    }

    private static boolean isLoadable(QuantizationScheme scheme) {
        return scheme.format() == NumberFormat.FP8_E4M3
                && scheme.symmetric()
                && (scheme.strategy() == Strategy.TENSOR || scheme.strategy() == Strategy.ATTN_HEAD);
    }

    private static byte[] scales(ScaleTable table) {
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
            String name =
                    "model.layers." + slot.layer() + ".self_attn." + slot.role().scaleName();
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
        return json(Map.of("quantization_config", quantization));
    }

    /** Indented JSON with the same line ends everywhere. */
    static byte[] json(Map<String, ?> content) {
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n"));
        try {
            String text = JsonMapper.builder().build().writer(printer).writeValueAsString(content);
            return (text + "\n").getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("plain maps are always JSON", e);
        }
    }
}
