package io.kvscale.job.console;

import io.kvscale.job.calibration.DryRun;
import io.kvscale.observer.CalibrationStatistics;
import java.io.PrintWriter;
import java.util.Locale;

/** Prints what {@code calibrate --dry-run} found. */
public final class DryRunPrinter {
    private DryRunPrinter() {}

    public static void print(DryRun run, PrintWriter out) {
        CalibrationStatistics headers = run.headers();
        run.facts().forEach((label, text) -> out.println(String.format(Locale.ROOT, "%-10s %s", label, text)));
        if (headers == null) {
            out.flush();
            return;
        }
        out.println("slots      " + headers.slots().size());
        out.println("unmatched  " + run.tally().unmatchedTensors() + " tensors"
                + (run.tally().names().isEmpty()
                        ? ""
                        : ", for example " + run.tally().names()));
        StatisticsPrinter.print(headers, false, out);
        out.flush();
    }
}
