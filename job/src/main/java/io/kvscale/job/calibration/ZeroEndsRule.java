package io.kvscale.job.calibration;

import io.kvscale.task.SampleSlots;
import io.kvscale.task.SampleSlots.Held;
import io.kvscale.tensor.DataProblem;
import java.util.Collection;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** A sample does not begin or end with tokens that are zero in every head of every slot. No model computes such tokens. */
record ZeroEndsRule() implements IrregularSamples.Rule {
    @Override
    public @Nullable DataProblem judge(SampleSlots sample) {
        Collection<Held> slots = sample.slots().values();
        int last = least(slots, held -> held.ends().zeroLast());
        int first = least(slots, held -> held.ends().zeroFirst());
        if (last == 0 && first == 0) {
            return null;
        }
        long tokens = slots.stream().mapToLong(Held::tokens).max().orElse(0);
        int zero = Math.max(first, last);
        return sample.problem(
                null,
                (zero == tokens
                                ? "all " + tokens
                                : "the " + (last >= first ? "last " : "first ") + zero + " of " + tokens)
                        + " tokens of this sample are zero in every head of every layer, in K and V: padding",
                "cut the padding off, or save a tensor attention_mask [batch, tokens] with it (allow_zero: true under"
                        + " kvscale counts it as tokens)");
    }

    private static int least(Collection<Held> slots, ToIntFunction<Held> count) {
        return slots.stream().mapToInt(count).min().orElse(0);
    }
}
