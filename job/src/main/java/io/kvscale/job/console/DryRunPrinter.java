package io.kvscale.job.console;

import io.kvscale.job.calibration.CalibrationJob;
import io.kvscale.job.calibration.CalibrationOutcome;
import io.kvscale.tensor.InvalidDataException;
import java.io.PrintWriter;
import java.util.Locale;

/** Prints what {@code calibrate --dry-run} found. */
public final class DryRunPrinter {
    private final PrintWriter out;

    public DryRunPrinter(PrintWriter out) {
        this.out = out;
    }

    /** @throws InvalidDataException if a header is bad */
    public void print(CalibrationJob job, CalibrationOutcome outcome) {
        if (outcome.problem() != null) {
            throw new InvalidDataException(outcome.problem());
        }
        job.shown().forEach((label, text) -> out.println(String.format(Locale.ROOT, "%-10s %s", label, text)));
        if (!job.readsTensors()) {
            out.flush();
            return;
        }
        out.println("slots      " + outcome.statistics().slots().size());
        out.println("unmatched  " + outcome.tally().unmatchedTensors() + " tensors"
                + (outcome.tally().names().isEmpty()
                        ? ""
                        : ", for example " + outcome.tally().names()));
        StatisticsPrinter.print(outcome.statistics(), false, out);
        out.flush();
    }
}
