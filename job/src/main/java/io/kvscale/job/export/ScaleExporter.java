package io.kvscale.job.export;

import io.kvscale.scheme.table.ScaleTable;
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

    /** Why the engine cannot load this table; null if it can. */
    @Nullable
    String refusal(ScaleTable table);

    /** Writes a table that {@link #refusal} accepts; every file name starts with {@link #folder} and a slash. */
    void write(ScaleTable table, OutputFolder output);
}
