package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.json.Json;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.ScaleConvention;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes the JSON that the model builder of ONNX Runtime GenAI 0.18 takes as {@code kv_cache_scale_file}: for each layer of
 * {@code layer_ids} a number, or one for each channel, head-major. {@code qmax} is what the scales were divided by, so that the
 * builder takes them as they are.
 *
 * <p>One scheme is for K and V of all layers. If a slot has scales by head or channel, those of all slots are written out by
 * channel. The builder also has numbers in f64, so they are written as such: a shortest f32 decimal would be rounded twice.
 */
public final class OrtGenAiExporter implements ScaleExporter {
    private static final String FILE = "kv_cache_scales.json";
    private static final Map<NumberFormat, String> FORMATS =
            Map.of(NumberFormat.INT8, "int8", NumberFormat.INT4, "int4", NumberFormat.FP8_E4M3, "fp8");
    private static final Set<Strategy> STRATEGIES = Set.of(Strategy.TENSOR, Strategy.ATTN_HEAD, Strategy.CHANNEL);
    private static final ScaleConvention CONVENTION =
            new ScaleConvention(IntegerGrid.LOWEST_CODE, GlobalScale.byDefault());

    @Override
    public String target() {
        return "ort-genai";
    }

    @Override
    public String engine() {
        return "ONNX Runtime GenAI";
    }

    @Override
    public String summary() {
        return "int8, int4 or fp8 by tensor, attn_head or channel";
    }

    @Override
    public Set<String> files() {
        return Set.of(FILE);
    }

    @Override
    public ScaleConvention convention() {
        return CONVENTION;
    }

    @Override
    public @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
        String unfit = SlotNeeds.unfit(
                schemes,
                scheme -> scheme.symmetric()
                        && FORMATS.containsKey(scheme.format())
                        && STRATEGIES.contains(scheme.strategy()),
                engine() + " loads only symmetric int8, int4 and fp8 scales by tensor, attn_head or channel");
        if (unfit != null) {
            return unfit;
        }
        if (schemes.isEmpty()) {
            return "the table has no layers";
        }
        NumberFormat format = schemes.values().iterator().next().format();
        String mixed = SlotNeeds.unfit(
                schemes,
                scheme -> scheme.format() == format,
                schemes.firstKey() + " is " + format + ", and one kv_cache_quant_scheme is for K and V of all layers");
        return mixed != null ? mixed : SlotNeeds.unpaired(schemes, engine() + " quantizes both");
    }

    @Override
    public SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names) {
        boolean channels = isByChannel(table);
        List<Integer> layers = new ArrayList<>();
        Map<String, List<Object>> scales = new LinkedHashMap<>();
        scales.put("k_scales", new ArrayList<>());
        scales.put("v_scales", new ArrayList<>());
        table.slots().forEach((slot, slotScales) -> {
            boolean key = slot.role() == Role.KEY;
            if (key) {
                layers.add(slot.layer());
            }
            Objects.requireNonNull(scales.get(key ? "k_scales" : "v_scales")).add(numbers(slotScales, channels));
        });
        Map<String, Object> file = new LinkedHashMap<>();
        file.put("scales", scales);
        file.put("layer_ids", layers);
        file.put("qmax", (double) CONVENTION.grid().divisor(format(table)));
        return new TreeMap<>(Map.of(FILE, Json.bytes(file)));
    }

    private static Object numbers(SlotScales scales, boolean channels) {
        if (!channels) {
            return (double) scales.scale()[0];
        }
        float[] all = ChannelScales.of(scales);
        return IntStream.range(0, all.length).mapToObj(i -> (double) all[i]).toList();
    }

    private static boolean isByChannel(ScaleTable table) {
        return table.slots().values().stream()
                .anyMatch(scales -> scales.scheme().strategy() != Strategy.TENSOR);
    }

    private static NumberFormat format(ScaleTable table) {
        return table.slots().values().iterator().next().scheme().format();
    }

    private static String scheme(ScaleTable table) {
        return FORMATS.get(format(table)) + (isByChannel(table) ? "_per_channel" : "_per_tensor");
    }

    @Override
    public List<String> notes(ScaleTable table) {
        List<String> notes = new ArrayList<>();
        notes.add("build the model for CPU or CUDA with onnxruntime-genai 0.18 and the options kv_cache_quant_scheme="
                + scheme(table) + " kv_cache_scale_file=" + FILE + "; in 0.16 the first one is kv_cache_quant_type");
        boolean keysByChannel = table.slots().entrySet().stream()
                .anyMatch(slot -> slot.getKey().role() == Role.KEY
                        && slot.getValue().scheme().strategy() == Strategy.CHANNEL);
        if (keysByChannel) {
            notes.add(
                    "K has scales by channel, and slow channels of RoPE hardly turn within a short sample: calibrate with"
                            + " samples as long as the contexts to serve");
        }
        if (scheme(table).startsWith("int4")) {
            notes.add("int4 needs GroupQueryAttention; PagedAttention has it only in builds with"
                    + " onnxruntime_USE_INT4_KV_CACHE=ON");
        }
        return notes;
    }
}
