package io.kvscale.job.target;

import io.kvscale.job.Folder;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.safetensors.SafetensorsHeader;
import io.kvscale.safetensors.TensorEntry;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Scale tables whose numbers all differ, and the tensors of written files. */
public final class TargetTables {
    public static final QuantizationScheme FP8 = QuantizationScheme.fp8();
    public static final QuantizationScheme FP8_HEADS = QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.ATTN_HEAD);
    public static final QuantizationScheme NVFP4 = QuantizationScheme.nvfp4(GlobalScale.MULTIPLIER);
    public static final QuantizationScheme INT8 = QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR);

    private TargetTables() {}

    /** Layers 0 to {@code layers - 1} with 2 heads of 32, K and V. */
    public static ScaleTable of(QuantizationScheme scheme, int layers) {
        return of(slot -> scheme, slots(layers));
    }

    public static List<Slot> slots(int layers) {
        return IntStream.range(0, layers)
                .boxed()
                .flatMap(layer -> List.of(new Slot(layer, Role.KEY), new Slot(layer, Role.VALUE)).stream())
                .toList();
    }

    /** The first scale of a slot is (1 + 2 layer + role)/64, those of further heads are greater by 1 each. */
    public static ScaleTable of(Function<Slot, QuantizationScheme> schemes, List<Slot> slots) {
        return of(schemes, slots, new Geometry(Dtype.BF16, 2, 32));
    }

    public static ScaleTable of(Function<Slot, QuantizationScheme> schemes, List<Slot> slots, Geometry geometry) {
        SortedMap<Slot, SlotScales> all = new TreeMap<>();
        for (Slot slot : slots) {
            QuantizationScheme scheme = schemes.apply(slot);
            int[] shape = scheme.strategy().scaleShape(geometry, scheme.groupSize());
            float[] scales = new float[IntStream.of(shape).reduce(1, (a, b) -> a * b)];
            float[] low = new float[scales.length];
            float[] high = new float[scales.length];
            float divisor = scheme.globalScale() == null ? scheme.format().symmetricDivisor() : 2688;
            for (int i = 0; i < scales.length; i++) {
                scales[i] = (1 + 2 * slot.layer() + slot.role().ordinal()) / 64f + i;
                high[i] = scales[i] * divisor;
            }
            all.put(
                    slot,
                    new SlotScales(
                            scheme,
                            geometry,
                            scales,
                            new float[scales.length],
                            low,
                            high,
                            0,
                            high[0],
                            1,
                            0,
                            0,
                            null,
                            null,
                            null));
        }
        return new ScaleTable(
                all.get(all.firstKey()).scheme(), new ScaleTable.CorpusSummary("0".repeat(64), 1, 1, 1, 1), all);
    }

    /** Name, shape and values of each tensor in a file, as {@code a.k_scale[1]=[0.5]}. */
    public static List<String> tensors(byte[] file) {
        try {
            SafetensorsHeader header =
                    SafetensorsHeader.read(new ByteArrayInputStream(file), file.length, name -> true);
            List<String> shown = new ArrayList<>();
            for (TensorEntry tensor : header.tensors()) {
                float[] values = new float[(int) tensor.bytes() / 4];
                ByteBuffer.wrap(file, (int) tensor.begin(), (int) tensor.bytes())
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asFloatBuffer()
                        .get(values);
                shown.add(tensor.name() + tensor.shape() + "=" + java.util.Arrays.toString(values));
            }
            return shown;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A model with this quantization config, and this hf_quant_config.json. */
    static ModelQuantization model(String config, String quantConfig) {
        return new ModelQuantization(Folder.json(config), Folder.json(quantConfig));
    }

    static ModelQuantization model(String config) {
        return model(config, "");
    }

    /** The edits by the path of their object. */
    static Map<String, Object> edits(List<JsonEdit> edits) {
        Map<String, Object> shown = new LinkedHashMap<>();
        edits.forEach(edit -> shown.put(String.join("/", edit.object()), edit.entries()));
        return shown;
    }
}
