package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes the scales that Text Generation Inference reads: {@code X.self_attn.k_scale} and {@code v_scale}, F32 scalars, since
 * version 3 ({@code layers/attention/kv_cache.py}, {@code get_kv_scales}). A layer with one of the two runs with 1.0. No config
 * is needed.
 */
public final class TgiExporter implements ScaleExporter {
    @Override
    public String target() {
        return "tgi";
    }

    @Override
    public String engine() {
        return "Text Generation Inference";
    }

    @Override
    public String summary() {
        return "fp8 by tensor";
    }

    @Override
    public Set<String> files() {
        return Set.of(CheckpointEdits.SCALES);
    }

    @Override
    public @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
        String unfit = SlotNeeds.unfit(
                schemes, SlotNeeds::isTensorFp8, engine() + " loads only symmetric fp8 scales by tensor");
        return unfit != null
                ? unfit
                : SlotNeeds.unpaired(schemes, engine() + " runs a layer with 1.0 unless it has both");
    }

    @Override
    public SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names) {
        List<ScaleTensor> tensors = new ArrayList<>();
        table.slots()
                .forEach((slot, scales) -> tensors.add(ScaleTensor.scalar(
                        names.of(slot.layer()) + "." + slot.role().scaleName(), scales)));
        return new TreeMap<>(Map.of(CheckpointEdits.SCALES, ScaleTensor.file(tensors)));
    }

    @Override
    public List<String> notes(ScaleTable table) {
        return List.of("copy " + CheckpointEdits.SCALES + " into the model's folder, and start with"
                + " --kv-cache-dtype fp8_e4m3fn: any other cache ignores the scales, and so does an attention backend other"
                + " than flashinfer or paged");
    }
}
