package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.quant.ScaleConvention;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes the files from which SGLang loads scales: those of vLLM, with one scale for a slot. With several, SGLang 0.5.23
 * warns and runs the cache with 1.0. Multi-head latent attention has ModelOpt's tensor names, which the DeepSeek classes map
 * ({@code deepseek_weight_loader.py}).
 */
public final class SglangExporter implements ModelExporter {
    private static final String FORMATS =
            "SGLang loads only symmetric fp8 scales by tensor, and NVFP4 with --model of a ModelOpt checkpoint,"
                    + " and runs the cache with 1.0 for any other";

    @Override
    public String target() {
        return "sglang";
    }

    @Override
    public String engine() {
        return "SGLang";
    }

    @Override
    public String summary() {
        return "fp8 by tensor, MLA too; NVFP4 into a ModelOpt model";
    }

    @Override
    public Set<String> files() {
        return Set.of(CheckpointEdits.SCALES, CheckpointEdits.CONFIG);
    }

    @Override
    public @Nullable String refusal(
            SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common, ModelQuantization model) {
        boolean nvfp4 = model.method() == ModelQuantization.Method.MODELOPT;
        String unfit = SlotNeeds.unfit(
                schemes, scheme -> SlotNeeds.isTensorFp8(scheme) || nvfp4 && SlotNeeds.isNvfp4(scheme), FORMATS);
        String mixed = SlotNeeds.mixed(schemes, common, "SGLang takes one kv_cache_scheme for all");
        return unfit != null ? unfit : mixed != null ? mixed : CheckpointEdits.refusal(common, model, engine());
    }

    @Override
    public ScaleConvention convention() {
        return new ScaleConvention(IntegerGrid.HALF_WIDTH, GlobalScale.MULTIPLIER);
    }

    @Override
    public ModelOverlay overlay(ScaleTable table, AttentionNames names, ModelQuantization model) {
        ModelOverlay overlay = CheckpointEdits.overlay(table, names, model);
        return isLatent(table)
                ? new ModelOverlay(ModelOptEdits.tensors(table, names), overlay.config(), overlay.quantConfig())
                : overlay;
    }

    private static boolean isLatent(ScaleTable table) {
        return table.slots().keySet().stream().noneMatch(slot -> slot.role() == Role.VALUE);
    }

    @Override
    public List<String> notes(ScaleTable table, ModelQuantization model) {
        List<String> notes = new ArrayList<>();
        if (model.method() == ModelQuantization.Method.UNQUANTIZED
                || model.method() == ModelQuantization.Method.COMPRESSED_TENSORS) {
            notes.add("SGLang loads scales of compressed-tensors since August 2026 (pull request 35455);"
                    + " an older one runs the cache with 1.0");
        }
        if (SlotNeeds.isNvfp4(table.scheme())) {
            notes.add("SGLang multiplies the scales by 6 on SM100 and not on SM120, so they are absmax/2688");
        }
        return notes;
    }

    @Override
    public String start(String folder, QuantizationScheme scheme, List<Integer> skipped) {
        return "python -m sglang.launch_server --model-path " + folder + " --kv-cache-dtype "
                + (SlotNeeds.isNvfp4(scheme) ? "nvfp4" : "fp8_e4m3");
    }
}
