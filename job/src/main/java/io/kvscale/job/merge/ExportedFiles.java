package io.kvscale.job.merge;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A folder of exported scales, with or without a model, as it is to be written. The names are relative to the folder.
 *
 * @param kept the files and folders of the model that stay as they are, by their names in the result
 * @param written the content of new files, and of the model's files that are edited
 * @param scales the name of the safetensors file with the scales; null if the target has another file
 * @param skipped layers without scales, which stay in 16 bits
 * @param notices what the user should know about the model's folder and the target
 */
public record ExportedFiles(
        SortedMap<String, Path> kept,
        SortedMap<String, byte[]> written,
        @Nullable String scales,
        List<Integer> skipped,
        List<String> notices) {
    /** The files of a target without a model. */
    public static ExportedFiles alone(ScaleExporter exporter, ScaleTable table, AttentionNames names) {
        int last = table.slots().lastKey().layer();
        List<Integer> skipped = IntStream.range(0, last)
                .filter(layer -> !table.slots().containsKey(new Slot(layer, Role.KEY)))
                .boxed()
                .toList();
        SortedMap<String, byte[]> files = exporter.export(table, names);
        String scales = files.keySet().stream()
                .filter(name -> name.endsWith(".safetensors"))
                .findFirst()
                .orElse(null);
        return new ExportedFiles(new TreeMap<>(), files, scales, skipped, exporter.notes(table));
    }

    /** The names of all files. */
    public SortedSet<String> names() {
        SortedSet<String> names = new TreeSet<>(kept.keySet());
        names.addAll(written.keySet());
        return names;
    }
}
