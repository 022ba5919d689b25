package io.kvscale.quant;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Slot;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether the statistics of one slot can give scales at all, whatever other slots there are. */
record SlotCheck(Tolerances expected, Remedies remedies) {

    /** Adds all that is wrong with the slot to {@code problems}. */
    void check(Slot slot, SlotStatistics seen, List<DataProblem> problems) {
        checkFinite(slot, seen, problems);
        if (seen.isEmpty()) {
            problems.add(at(
                    seen.firstOrigin(),
                    slot,
                    DataProblem.of("no finite value was observed", "calibrate on captures with real tokens")));
        } else if (!expected.allowZero() && seen.min() == 0 && seen.max() == 0) {
            problems.add(at(
                    seen.firstOrigin(),
                    slot,
                    DataProblem.of("all " + seen.finite() + " values are zero, first here", remedies.zero())));
        }
        long all = seen.finite() + seen.nan() + seen.infinite();
        if (all != seen.tokens() * seen.geometry().channels()) {
            problems.add(at(
                    seen.firstOrigin(),
                    slot,
                    DataProblem.of(
                            all + " values do not make " + seen.tokens() + " tokens of " + seen.geometry(),
                            remedies.partial())));
        }
    }

    void checkFinite(Slot slot, SlotStatistics seen, List<DataProblem> problems) {
        if (!expected.skipNonFinite() && seen.nan() + seen.infinite() > 0) {
            // No counts: where other data is bad too, they depend on what was still read.
            problems.add(at(
                    seen.firstNonFiniteOrigin(),
                    slot,
                    DataProblem.of("NaN or infinite values, first here", remedies.nonFinite())));
        }
    }

    /** A problem with the slot and the first file and sample that hold it. */
    static DataProblem at(@Nullable Origin origin, Slot slot, DataProblem problem) {
        DataProblem inSlot = problem.inSlot(slot);
        if (origin == null) {
            return inSlot;
        }
        DataProblem inFile = origin.file().isEmpty() ? inSlot : inSlot.inFile(origin.file());
        return origin.sample() == null ? inFile : inFile.inSample(origin.sample());
    }
}
