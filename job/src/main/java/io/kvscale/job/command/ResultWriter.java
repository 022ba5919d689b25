package io.kvscale.job.command;

import io.kvscale.job.console.ScaleTablePrinter;
import io.kvscale.job.export.OutputFolder;
import io.kvscale.job.export.ResultFiles;
import io.kvscale.job.report.Report;
import io.kvscale.job.spark.Progress;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.tensor.DataProblem;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** From statistics and a recipe to the result folder and what the terminal shows: the end of two commands. */
final class ResultWriter {
    private final PrintWriter out;
    private final PrintWriter err;
    private final boolean quiet;

    ResultWriter(PrintWriter out, PrintWriter err, boolean quiet) {
        this.out = out;
        this.err = err;
        this.quiet = quiet;
    }

    /**
     * Writes the folder, then shows the scales and the paths.
     *
     * @param report whether {@code report.html} is among its files
     * @param captures appear with it; null for none
     */
    void write(
            ScaleSolver.Solution solution,
            CalibrationStatistics statistics,
            Map<String, ?> run,
            boolean report,
            OutputFolder output,
            @Nullable OutputFolder captures) {
        byte[] page = report ? Report.html(solution, statistics, Version.kvscale()) : null;
        String notForVllm = ResultFiles.write(solution.table(), statistics, run, page, output);
        if (captures != null) {
            captures.commit();
        }
        output.commit();
        List<String> warnings = new ArrayList<>(solution.warnings());
        if (notForVllm != null) {
            warnings.add("nothing written for vLLM: " + notForVllm);
        }
        warnings.forEach(this::warn);
        if (!quiet) {
            ScaleTablePrinter.print(solution.table(), out);
            if (captures != null) {
                out.println("wrote the captures in " + captures.path());
            }
            output.paths().forEach(path -> out.println("wrote " + path));
        }
        out.flush();
    }

    /** What shows how far a run is. */
    Progress progress() {
        return new Progress(System.err, Boolean.getBoolean("kvscale.terminal"), quiet);
    }

    /** Warns of samples that were left out, if there are any. @param first of them; null for none */
    void tellFailed(long count, @Nullable DataProblem first) {
        if (first != null) {
            warn("the model failed on " + (count == 1 ? "1 sample, which was" : count + " samples, which were")
                    + " left out" + (count == 1 ? ": " : "; the first: ")
                    + first.message().lines().map(String::strip).collect(Collectors.joining("; ")));
        }
    }

    void warn(String text) {
        say("warning: " + text);
    }

    void say(String text) {
        if (!quiet) {
            err.println("kvscale: " + text);
            err.flush();
        }
    }
}
