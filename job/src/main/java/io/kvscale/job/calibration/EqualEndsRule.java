package io.kvscale.job.calibration;

import io.kvscale.task.SampleSlots;
import io.kvscale.task.TokenEnds;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import org.jspecify.annotations.Nullable;

/**
 * A sample does not begin or end with many equal tokens, which have equal V in layer 0: V has no position, and layer 0 has
 * seen no other token.
 *
 * @param mask what to do instead of cutting the padding off; empty if nothing
 */
record EqualEndsRule(String mask) implements IrregularSamples.Rule {
    static final Slot EMBEDDED = new Slot(0, Role.VALUE);

    @Override
    public @Nullable DataProblem judge(SampleSlots sample) {
        SampleSlots.Held held = sample.slots().get(EMBEDDED);
        if (held == null) {
            return null;
        }
        TokenEnds ends = held.ends();
        int equal = Math.max(ends.equalFirst(), ends.equalLast());
        return equal < TokenEnds.PADDING
                ? null
                : sample.problem(
                        EMBEDDED,
                        ZeroEndsRule.counted(ends.equalFirst(), ends.equalLast(), held.tokens())
                                + " tokens have the same V, as equal tokens have: padding without a mask?",
                        "cut the padding off" + (mask.isEmpty() ? "" : ", or " + mask));
    }
}
