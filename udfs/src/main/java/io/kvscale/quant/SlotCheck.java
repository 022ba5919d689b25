package io.kvscale.quant;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checks that the statistics of one slot can give scales. */
record SlotCheck(Tolerances tolerances, Remedies remedies) {

    /** Adds all problems of the slot to {@code problems}. */
    void check(Slot slot, SlotStatistics seen, List<DataProblem> problems) {
        checkFinite(slot, seen, problems);
        if (seen.isEmpty()) {
            problems.add(problem(
                    seen.firstOrigin(),
                    slot,
                    "no finite value was observed",
                    "calibrate on captures with real tokens"));
        } else if (!tolerances.allowZero() && seen.min() == 0 && seen.max() == 0) {
            problems.add(
                    problem(seen.firstOrigin(), slot, "all " + seen.finite() + " values are zero", remedies.zero()));
        }
        long all = seen.finite() + seen.nan() + seen.infinite();
        if (all != seen.tokens() * seen.geometry().channels()) {
            problems.add(problem(
                    seen.firstOrigin(),
                    slot,
                    all + " values do not make " + seen.tokens() + " tokens of " + seen.geometry(),
                    remedies.partial()));
        }
    }

    void checkFinite(Slot slot, SlotStatistics seen, List<DataProblem> problems) {
        if (!tolerances.skipNonFinite() && seen.nan() + seen.infinite() > 0) {
            // No counts in the message: after other errors they would depend on the files read.
            problems.add(problem(seen.firstNonFiniteOrigin(), slot, "NaN or infinite values", remedies.nonFinite()));
        }
    }

    /** A problem of a slot, with the file and the sample of an origin. */
    static DataProblem problem(@Nullable Origin origin, Slot slot, String what, String remedy) {
        Sample sample = origin == null ? null : origin.sample();
        String file = origin == null || origin.file().isEmpty() ? null : origin.file();
        return new DataProblem(what, remedy, sample, slot, file, null);
    }
}
