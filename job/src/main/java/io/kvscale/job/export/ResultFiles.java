package io.kvscale.job.export;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.scheme.ScaleTable;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The files of one result, in their folder. */
public final class ResultFiles {
    private ResultFiles() {}

    /**
     * Writes everything and makes the folder appear.
     *
     * @param run what varies from run to run, for {@code run.json}
     * @param report the bytes of {@code report.html}; null for none
     * @return why nothing was written for vLLM; null if it was
     */
    public static @Nullable String write(
            ScaleTable table,
            CalibrationStatistics statistics,
            Map<String, ?> run,
            byte @Nullable [] report,
            OutputFolder output) {
        output.write("kv_scales.json", table.toJson());
        output.write("statistics.kvstats", statistics.toByteArray());
        output.write("run.json", VllmExport.json(run));
        if (report != null) {
            output.write("report.html", report);
        }
        return VllmExport.write(table, output);
    }
}
