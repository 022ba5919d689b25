package io.kvscale.job.target;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.quant.ScaleConvention;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes a scale table in the form that one serving engine loads. A new exporter is one class with its test, and one
 * line in {@link Targets#ALL}.
 */
public interface ScaleExporter {
    /** The word of {@code --for}, such as {@code vllm}. */
    String target();

    /** The engine's name, for messages. */
    String engine();

    /** What it writes and for what, in one line of {@code export --help}. */
    String summary();

    /** The names of the files that it writes, relative to its folder. */
    Set<String> files();

    /**
     * Why the engine cannot load scales of these schemes, with the first slot of which that is so; null if it can.
     *
     * @param common the scheme of slots that have no other
     */
    @Nullable
    String refusal(SortedMap<Slot, QuantizationScheme> schemes, QuantizationScheme common);

    /** How the engine's scales follow from ranges. {@link #export} takes tables under this convention. */
    default ScaleConvention convention() {
        return ScaleConvention.DEFAULT;
    }

    /** The slots of a table that the engine has a place for: without queries, for most. */
    default ScaleTable readable(ScaleTable table) {
        return table.cached();
    }

    /** {@link #refusal} of the schemes of a table. */
    default @Nullable String refusal(ScaleTable table) {
        return refusal(schemes(table), table.scheme());
    }

    /** The scheme of each slot of a table. */
    static SortedMap<Slot, QuantizationScheme> schemes(ScaleTable table) {
        SortedMap<Slot, QuantizationScheme> schemes = new TreeMap<>();
        table.slots().forEach((slot, scales) -> schemes.put(slot, scales.scheme()));
        return schemes;
    }

    /**
     * The files for a table that {@link #refusal} accepts; the same bytes for the same table.
     *
     * @param names where the model's checkpoint keeps the scales of each layer
     */
    SortedMap<String, byte[]> export(ScaleTable table, AttentionNames names);

    /** What users should know who load these scales: versions, and what the engine does not use. */
    default List<String> notes(ScaleTable table) {
        return List.of();
    }

    /**
     * The command that starts the engine with these scales; null if there is none.
     *
     * @param folder the folder of the model
     * @param scheme the scheme of slots that have no other
     * @param skipped layers without scales
     */
    default @Nullable String start(String folder, QuantizationScheme scheme, List<Integer> skipped) {
        return null;
    }

    /** Whether the engine can leave layers without scales in 16 bits. */
    default boolean skipsLayers() {
        return false;
    }

    /** Whether the engine uses scales of this scheme; if not, {@link #notes} say so, and they are written all the same. */
    default boolean usesScales(QuantizationScheme scheme) {
        return true;
    }
}
