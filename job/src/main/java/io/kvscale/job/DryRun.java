package io.kvscale.job;

import io.kvscale.job.calibration.CalibrationJob;
import io.kvscale.job.calibration.CalibrationOutcome;
import io.kvscale.tensor.InvalidDataException;
import java.io.PrintWriter;

/** What {@code calibrate --dry-run} shows. */
final class DryRun {
    private final PrintWriter out;

    DryRun(PrintWriter out) {
        this.out = out;
    }

    /** @throws InvalidDataException if a header is bad */
    void print(CalibrationJob job, CalibrationOutcome outcome) {
        if (outcome.problem() != null) {
            throw new InvalidDataException(outcome.problem());
        }
        out.println("files      " + job.listing().files().size());
        out.println("bytes      " + job.listing().bytes());
        out.println("splits     " + job.splits().size());
        out.println("slots      " + outcome.statistics().slots().size());
        out.println("unmatched  " + outcome.tally().unmatchedTensors() + " tensors"
                + (outcome.tally().names().isEmpty()
                        ? ""
                        : ", such as " + outcome.tally().names()));
        StatisticsTables.print(outcome.statistics(), false, out);
        out.flush();
    }
}
