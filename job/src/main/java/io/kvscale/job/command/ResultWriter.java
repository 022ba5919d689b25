package io.kvscale.job.command;

import io.kvscale.job.calibration.CalibrationResult;
import io.kvscale.job.console.Console;
import io.kvscale.job.console.ConvergencePrinter;
import io.kvscale.job.console.ScaleTablePrinter;
import io.kvscale.job.convergence.Convergence;
import io.kvscale.job.export.OutputException;
import io.kvscale.job.export.OutputFolder;
import io.kvscale.job.export.ResultFiles;
import io.kvscale.job.export.StratumFiles;
import io.kvscale.job.history.RunHistory;
import io.kvscale.job.report.PastScales;
import io.kvscale.job.report.Report;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.scheme.table.ScaleTable;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;

/** The last step of {@code calibrate} and {@code scales}: solves, writes the result folder, prints the scale table. */
record ResultWriter(PrintWriter out, Console console) {
    /**
     * Commits the result folder, then prints warnings, the scale table and the paths.
     *
     * @param model the model's config.json; null if not known
     * @param result null for a run without Spark
     * @param report whether to write {@code report.html}
     * @param captures a folder of saved captures to commit with the result; null for none
     * @param history gets a line, and the report shows it; null for none
     */
    void write(
            ScaleSolver.Solution solution,
            CalibrationStatistics statistics,
            @Nullable ModelConfig model,
            RunRecord run,
            @Nullable CalibrationResult result,
            boolean report,
            OutputFolder output,
            @Nullable OutputFolder captures,
            @Nullable RunHistory history) {
        byte[] bytes = statistics.toByteArray();
        ScaleTable table = solution.table().from(name(model), DigestUtils.sha256Hex(bytes));
        List<PastScales> past = history == null ? List.of() : history.with(table);
        Convergence convergence = result == null ? null : result.convergence();
        byte[] page = report
                ? Report.html(
                        new ScaleSolver.Solution(table, solution.warnings()),
                        statistics,
                        convergence,
                        past,
                        Version.kvscale())
                : null;
        Map<String, Object> record = run.finish(table, result);
        if (captures != null) {
            record.put("saved_captures", captures.path());
        }
        if (result != null && !result.strata().isEmpty()) {
            String field = result.recipe().text().options().fields().statisticsBy();
            record.put("strata", StratumFiles.write(field, result.strata(), output));
        }
        List<String> notExported = ResultFiles.write(table, bytes, record, page, output);
        output.commit(captures);
        log(history, record, table, result, output);
        solution.warnings().forEach(console::warn);
        notExported.forEach(console::warn);
        if (!console.quiet()) {
            ScaleTablePrinter.print(table, out);
            if (convergence != null) {
                ConvergencePrinter.print(convergence, out);
            }
            if (captures != null) {
                out.println("wrote the captures in " + captures.path());
            }
            output.paths().forEach(path -> out.println("wrote " + path));
        }
        out.flush();
    }

    /** The result is there: a log that cannot be written does not make it a failure. */
    private void log(
            @Nullable RunHistory history,
            Map<String, Object> record,
            ScaleTable table,
            @Nullable CalibrationResult result,
            OutputFolder output) {
        if (history == null) {
            return;
        }
        record.put("output", output.path());
        try {
            history.done(
                    record, table, result == null ? List.of() : result.facts().files());
        } catch (OutputException e) {
            console.warn(String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
        }
    }

    private static @Nullable String name(@Nullable ModelConfig model) {
        if (model == null || model.architecture().isEmpty() && model.modelType().isEmpty()) {
            return null;
        }
        return model.shown();
    }
}
