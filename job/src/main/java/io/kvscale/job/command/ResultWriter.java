package io.kvscale.job.command;

import io.kvscale.job.console.Console;
import io.kvscale.job.console.ScaleTablePrinter;
import io.kvscale.job.export.OutputFolder;
import io.kvscale.job.export.ResultFiles;
import io.kvscale.job.report.Report;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.quant.ScaleSolver;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The last step of {@code calibrate} and {@code scales}: solves, writes the result folder, prints the scale table. */
record ResultWriter(PrintWriter out, Console console) {
    /**
     * Commits the result folder, then prints warnings, the scale table and the paths.
     *
     * @param report whether to write {@code report.html}
     * @param captures a folder of saved captures to commit with the result; null for none
     */
    void write(
            ScaleSolver.Solution solution,
            CalibrationStatistics statistics,
            Map<String, ?> run,
            boolean report,
            OutputFolder output,
            @Nullable OutputFolder captures) {
        byte[] page = report ? Report.html(solution, statistics, Version.kvscale()) : null;
        List<String> notExported = ResultFiles.write(solution.table(), statistics, run, page, output);
        output.commit(captures);
        solution.warnings().forEach(console::warn);
        notExported.forEach(console::warn);
        if (!console.quiet()) {
            ScaleTablePrinter.print(solution.table(), out);
            if (captures != null) {
                out.println("wrote the captures in " + captures.path());
            }
            output.paths().forEach(path -> out.println("wrote " + path));
        }
        out.flush();
    }
}
