package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes the folder that TensorRT-LLM reads as {@code scale_checkpoint_path} of NVFP4 cold pages (pull request 18091,
 * {@code nvfp4_quantization.py}): ModelOpt's files of the KV cache alone. It needs no weights.
 */
final class ColdPagesExporter implements ScaleExporter {
    @Override
    public String target() {
        return "tensorrt-llm-cold-pages";
    }

    @Override
    public String engine() {
        return "TensorRT-LLM";
    }

    @Override
    public String summary() {
        return "NVFP4: the scale_checkpoint_path of cold pages, without weights";
    }

    @Override
    public Set<String> files() {
        return Set.of(CheckpointEdits.SCALES, ModelOptEdits.FILE);
    }

    @Override
    public @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
        String unfit = SlotNeeds.unfit(schemes, SlotNeeds::isNvfp4, "cold pages of TensorRT-LLM are NVFP4 only");
        return unfit != null
                ? unfit
                : SlotNeeds.unpaired(schemes, "cold pages of TensorRT-LLM need K and V scales of every layer");
    }

    @Override
    public SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names) {
        return CheckpointEdits.alone(ModelOptEdits.overlay(
                ModelOptEdits.tensors(table, names), ModelQuantization.NONE, ModelOptEdits.NVFP4));
    }

    @Override
    public List<String> notes(ScaleTable table) {
        return List.of("TensorRT-LLM reads names of the form model.layers.N.self_attn and"
                + " model.language_model.layers.N.self_attn only");
    }
}
