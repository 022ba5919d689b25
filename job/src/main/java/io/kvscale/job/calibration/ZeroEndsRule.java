package io.kvscale.job.calibration;

import io.kvscale.task.SampleSlots;
import io.kvscale.task.SampleSlots.Held;
import io.kvscale.task.TokenEnds;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A sample does not begin or end with tokens that are zero in every head of K and V. No model computes such tokens.
 *
 * @param scanned the slots that are looked at
 * @param mask what to do instead of cutting the padding off; empty if nothing
 */
record ZeroEndsRule(TreeSet<Slot> scanned, String mask) implements IrregularSamples.Rule {
    @Override
    public @Nullable DataProblem judge(SampleSlots sample) {
        List<Held> slots = scanned.stream()
                .map(sample.slots()::get)
                .filter(Objects::nonNull)
                .toList();
        int first = least(slots, held -> held.ends().zeroFirst());
        int last = least(slots, held -> held.ends().zeroLast());
        if (last == 0 && first == 0) {
            return null;
        }
        long tokens = slots.stream().mapToLong(Held::tokens).max().orElse(0);
        List<String> layers = scanned.stream()
                .map(slot -> String.valueOf(slot.layer()))
                .distinct()
                .toList();
        boolean both = scanned.stream().anyMatch(slot -> slot.role() == Role.VALUE);
        return sample.problem(
                null,
                counted(first, last, tokens) + " tokens of this sample are zero in every head of "
                        + (layers.size() == 1 ? "layer " : "layers ") + String.join(" and ", layers)
                        + (both ? ", in K and V: padding" : ": padding"),
                "cut the padding off" + (mask.isEmpty() ? "" : ", or " + mask)
                        + " (allow_zero: true under kvscale counts it as tokens)");
    }

    private static int least(List<Held> slots, ToIntFunction<Held> count) {
        return slots.stream().mapToInt(count).min().orElse(0);
    }

    /** The tokens of padding in words; only some tokens at each end were read. */
    static String counted(int first, int last, long tokens) {
        int most = Math.max(first, last);
        return most == tokens
                ? "all " + tokens
                : (most < TokenEnds.READ ? "the " : "at least the ") + (last >= first ? "last " : "first ") + most
                        + " of " + tokens;
    }
}
