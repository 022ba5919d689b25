package io.kvscale.job.export;

import io.kvscale.job.checkpoint.AttentionNames;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.job.target.Targets;
import io.kvscale.json.Json;
import io.kvscale.scheme.table.ScaleTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The files of a result folder. */
public final class ResultFiles {
    private static final List<String> FILES = List.of(
            "kv_scales.json",
            "statistics.kvstats",
            "run.json",
            "report.html",
            "evaluation.json",
            StratumFiles.MANIFEST);

    private ResultFiles() {}

    /**
     * The paths of all files that a result folder may hold, beside those of {@link StratumFiles}; {@code --overwrite}
     * replaces nothing else.
     */
    static Set<String> names(List<ScaleExporter> exporters) {
        return Stream.concat(
                        FILES.stream(),
                        exporters.stream()
                                .flatMap(exporter ->
                                        exporter.files().stream().map(name -> exporter.target() + "/" + name)))
                .collect(Collectors.toSet());
    }

    /**
     * Writes the result of a calibration; the caller commits the folder.
     *
     * @param statistics the bytes of {@code statistics.kvstats}
     * @param run the content of {@code run.json}, except what is written
     * @param report the bytes of {@code report.html}; null for none
     * @return a warning for each engine that cannot load the table
     */
    public static List<String> write(
            ScaleTable table, byte[] statistics, Map<String, ?> run, byte @Nullable [] report, OutputFolder output) {
        output.write("kv_scales.json", table.toJson());
        output.write("statistics.kvstats", statistics);
        if (report != null) {
            output.write("report.html", report);
        }
        List<String> warnings = export(table, output, Targets.OF_RESULTS);
        Map<String, Object> record = new LinkedHashMap<>(run);
        record.put("output", output.path());
        record.put("outputs", output.digests());
        output.write("run.json", Json.bytes(record));
        return warnings;
    }

    static List<String> export(ScaleTable table, OutputFolder output, List<ScaleExporter> exporters) {
        List<String> warnings = new ArrayList<>();
        for (ScaleExporter exporter : exporters) {
            String refusal = exporter.refusal(table);
            if (refusal == null) {
                exporter.export(table, AttentionNames.PLAIN)
                        .forEach((name, bytes) -> output.write(exporter.target() + "/" + name, bytes));
            } else {
                warnings.add("no files written for " + exporter.engine() + ": " + refusal);
            }
        }
        return warnings;
    }
}
