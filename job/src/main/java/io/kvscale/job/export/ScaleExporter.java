package io.kvscale.job.export;

import io.kvscale.scheme.table.ScaleTable;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes a scale table in the form that one serving engine loads. A new exporter is one class with its test, and one
 * line in {@link ResultFiles#EXPORTERS}.
 */
public interface ScaleExporter {
    /** The engine's name, for messages. */
    String engine();

    /** The exporter's own folder in the result folder. */
    String folder();

    /** The names of the files that it writes into its folder. Files of other names there are the user's. */
    Set<String> files();

    /** Why the engine cannot load this table; null if it can. */
    @Nullable
    String refusal(ScaleTable table);

    /** Writes a table that {@link #refusal} accepts, to {@link #files} in {@link #folder}. */
    void write(ScaleTable table, OutputFolder output);
}
