package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** A target whose scales are merged into the folder of a model's weights. */
public interface ModelExporter extends ScaleExporter {
    /**
     * Why the engine cannot load scales of these schemes from a model with these quantized weights; null if it can.
     *
     * @param common the scheme of slots that have no other
     */
    @Nullable
    String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common, ModelQuantization model);

    @Override
    default @Nullable String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common) {
        return refusal(schemes, common, ModelQuantization.NONE);
    }

    /** Why the engine cannot load the scales of a table from this model; null if it can. */
    default @Nullable String refusal(ScaleTable table, ModelQuantization model) {
        return refusal(ScaleExporter.schemes(table), table.scheme(), model);
    }

    /** The files of {@link #overlay} for a model without quantized weights. */
    @Override
    default SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names) {
        return CheckpointEdits.alone(overlay(table, names, ModelQuantization.NONE));
    }

    /** What to add to the model's folder, for a table and a model that {@link #refusal} accepts. */
    ModelOverlay overlay(ScaleTable table, AttentionNames names, ModelQuantization model);

    /**
     * What users should know who load these scales: versions, and what the engine does not use.
     *
     * @param model the model that they are merged into
     */
    List<String> notes(ScaleTable table, ModelQuantization model);

    @Override
    default List<String> notes(ScaleTable table) {
        return notes(table, ModelQuantization.NONE);
    }
}
