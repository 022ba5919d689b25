package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Writes the files from which vLLM loads scales, with the tensor names and the {@code quantization_config} that
 * compressed-tensors writes for a model whose KV cache alone is quantized.
 *
 * <p>Scales are f32, {@code [1]} or {@code [H,1,1]}. Only symmetric fp8 (e4m3) by tensor or attn_head is written, and NVFP4
 * into a model of ModelOpt: vLLM would read any other scale as an fp8 scale.
 */
public final class VllmExporter implements ModelExporter {
    private static final String ONE_SCHEME = "vLLM takes one kv_cache_scheme for all";
    private static final String FORMATS = "vLLM loads only symmetric fp8 scales by tensor or attn_head,"
            + " and NVFP4 with --model of a ModelOpt checkpoint";

    private static final Pattern IN_ATTN = Pattern.compile("\\.attn\\.([kvq]_scale)$");

    @Override
    public String target() {
        return "vllm";
    }

    @Override
    public String engine() {
        return "vLLM";
    }

    @Override
    public String summary() {
        return "fp8 by tensor or attn_head; NVFP4 into a ModelOpt model";
    }

    @Override
    public Set<String> files() {
        return Set.of(CheckpointEdits.SCALES, CheckpointEdits.CONFIG);
    }

    @Override
    public ScaleTable readable(ScaleTable table) {
        return table;
    }

    @Override
    public @Nullable String refusal(
            SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common, ModelQuantization model) {
        boolean nvfp4 = model.method() == ModelQuantization.Method.MODELOPT;
        String unfit = SlotNeeds.unfit(
                schemes, scheme -> SlotNeeds.isFp8(scheme) || nvfp4 && SlotNeeds.isNvfp4(scheme), FORMATS);
        if (unfit != null) {
            return unfit;
        }
        String mixed = SlotNeeds.mixed(schemes, common, ONE_SCHEME);
        if (mixed != null) {
            return mixed;
        }
        String mla = SlotNeeds.unpaired(
                schemes, "vLLM 0.33 loads no scales for multi-head latent attention, and the cache would run with 1.0");
        return mla != null ? mla : CheckpointEdits.refusal(common, model, engine());
    }

    @Override
    public ModelOverlay overlay(ScaleTable table, AttentionNames names, ModelQuantization model) {
        ModelOverlay overlay = CheckpointEdits.overlay(table, names, model);
        List<ScaleTensor> tensors =
                overlay.tensors().stream().map(VllmExporter::mapped).toList();
        return new ModelOverlay(tensors, overlay.config(), overlay.quantConfig());
    }

    /** GPT-2, GPT-J and MPT: the loader inserts {@code .attn} unless the module's name ends so, and then drops the scale. */
    private static ScaleTensor mapped(ScaleTensor tensor) {
        String name = IN_ATTN.matcher(tensor.name()).replaceFirst(".attn.attn.$1");
        return new ScaleTensor(name, tensor.shape(), tensor.values());
    }

    @Override
    public List<String> notes(ScaleTable table, ModelQuantization model) {
        List<String> notes = new ArrayList<>();
        QuantizationScheme scheme = table.scheme();
        if (scheme.strategy() == Strategy.ATTN_HEAD) {
            notes.add("one scale for a head needs vLLM 0.17 or newer, and FlashAttention 3 or newer (Hopper):"
                    + " other attention backends refuse to start");
        }
        if (SlotNeeds.isNvfp4(scheme)) {
            notes.add("an nvfp4 cache needs FlashInfer, on SM80, SM90, SM100 or SM120");
        }
        boolean compressedTensors = model.method() == ModelQuantization.Method.UNQUANTIZED
                || model.method() == ModelQuantization.Method.COMPRESSED_TENSORS;
        if (!compressedTensors) {
            // KVCacheScaleParameter of vLLM 0.32 is created in the default dtype.
            notes.add("vLLM rounds the scales of a " + model.word() + " model to the model's dtype, such as bfloat16");
        } else {
            notes.add("on AMD MI300 (fp8 e4m3fnuz) vLLM does not adapt scales of compressed-tensors:"
                    + " values above 240/448 of the range saturate");
        }
        return notes;
    }

    @Override
    public boolean skipsLayers() {
        return true;
    }

    @Override
    public String start(String folder, QuantizationScheme scheme, List<Integer> skipped) {
        return "vllm serve " + folder + " --kv-cache-dtype " + (SlotNeeds.isNvfp4(scheme) ? "nvfp4" : "fp8")
                + (skipped.isEmpty() ? "" : " " + skipArguments(skipped));
    }

    /** The arguments of vLLM that keep these layers, at least one, in 16 bits. */
    public static String skipArguments(List<Integer> layers) {
        return "--kv-cache-dtype-skip-layers "
                + layers.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }
}
