package io.kvscale.job.report;

import io.kvscale.job.convergence.Convergence;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * {@code report.html} of a calibration: findings, scales, ranges, distributions and errors. One file without external
 * resources; equal data and recipes give equal bytes.
 */
public final class Report {
    private static final List<String> SCRIPTS = List.of(
            "base.js",
            "slotdata.js",
            "tables.js",
            "slottables.js",
            "charts.js",
            "findings.js",
            "slots.js",
            "errors.js",
            "unit.js");

    private Report() {}

    /**
     * The page, in UTF-8.
     *
     * @param statistics the solution's source; with histograms, the page shows distributions and errors
     * @param convergence how the scales change with the number of tokens; null if it is not known
     * @param history the scales of earlier runs, oldest first, then these; empty if it is not kept
     * @param version of kvscale
     */
    public static byte[] html(
            ScaleSolver.Solution solution,
            CalibrationStatistics statistics,
            @Nullable Convergence convergence,
            List<PastScales> history,
            String version) {
        // In parallel, because the errors of a hundred layers under ten schemes take seconds.
        List<ReportedSlot> slots = solution.table().slots().entrySet().parallelStream()
                .map(entry -> slot(entry, statistics))
                .toList();
        List<String> scripts = new ArrayList<>(SCRIPTS);
        if (convergence != null) {
            scripts.add("convergence.js");
        }
        if (ReportData.isShown(history)) {
            scripts.add("history.js");
        }
        scripts.add("page.js");
        return ReportPage.html(
                "KV cache calibration",
                "report.html",
                scripts,
                new ReportData(solution, slots, convergence, history, version).toJson());
    }

    private static ReportedSlot slot(Map.Entry<Slot, SlotScales> entry, CalibrationStatistics statistics) {
        return ReportedSlot.of(
                entry.getKey(),
                entry.getValue(),
                Objects.requireNonNull(statistics.slots().get(entry.getKey())));
    }
}
