package io.kvscale.job.drift;

import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Whether deployed scales still fit newer data.
 *
 * @param slots those with scales, by layer, then role
 * @param unscaled slots of the statistics without scales, which are not compared
 */
public record Drift(DriftLimits limits, List<SlotDrift> slots, List<Slot> unscaled) {
    private static final String COUNT_AGAIN = "calibrate again with statistics: histogram under kvscale in the recipe";

    public Drift {
        slots = List.copyOf(slots);
        unscaled = List.copyOf(unscaled);
    }

    /**
     * Compares all slots with scales.
     *
     * @throws InvalidDataException if statistics and scales are of different models, a slot has no values, the newer statistics
     *     give no scales of a scheme, or do not tell whether a limit is exceeded: the first problem by layer and role
     */
    public static Drift of(ScaleTable deployed, NamedStatistics older, NamedStatistics newer, DriftLimits limits) {
        new SlotMatch(deployed, older, newer).check();
        List<SlotDrift> slots = new ArrayList<>();
        deployed.slots().forEach((slot, scales) -> {
            try {
                slots.add(SlotDrift.of(slot, scales, older.slot(slot), newer.slot(slot)));
            } catch (InvalidDataException e) {
                throw new InvalidDataException(e.problem().inSlot(slot).inFile(newer.file()), e);
            }
        });
        List<Slot> unscaled = new ArrayList<>(newer.content().slots().keySet());
        unscaled.removeAll(deployed.slots().keySet());
        Drift drift = new Drift(limits, slots, unscaled);
        DataProblem undecided = drift.undecided();
        if (undecided != null) {
            throw new InvalidDataException(undecided.inFile(newer.file()));
        }
        return drift;
    }

    /** The first slot whose statistics do not tell whether it exceeds a limit; null if there is none, or it does not matter. */
    private @Nullable DataProblem undecided() {
        for (SlotDrift slot : slots) {
            if (limits.sqnrLossDb() != null && slot.lossDb() == null) {
                return undecided(slot, DriftLimits.SQNR_LOSS, "the SQNR is not known");
            }
        }
        for (SlotDrift slot : slots) {
            Double limit = limits.saturated();
            if (limit != null && limit > 0 && slot.to().clippedShare() == null && !isDrifted()) {
                return undecided(
                        slot,
                        DriftLimits.SATURATED,
                        "the share of clipped values is not known: some are beyond what the scales reach");
            }
        }
        return null;
    }

    private static DataProblem undecided(SlotDrift slot, String option, String what) {
        boolean countable = slot.to().counts() == null
                && (slot.scheme().strategy().isByHeads()
                        || option.equals(DriftLimits.SATURATED) && slot.scheme().globalScale() != null);
        return DataProblem.of(
                        option + " cannot be decided, because " + what
                                + (countable
                                        ? " without histograms"
                                        : " with strategy "
                                                + slot.scheme().strategy().word()),
                        countable
                                ? COUNT_AGAIN
                                : "leave " + option + " out, or give this slot scales by tensor or attn_head")
                .inSlot(slot.slot());
    }

    /** Whether a slot exceeds a limit. */
    public boolean isDrifted() {
        return slots.stream().anyMatch(limits::exceeds);
    }

    /**
     * The worst slots first: those that exceed a limit, then by descending loss in dB, where an unknown one counts as 0, then by
     * descending reach, then by layer and role.
     */
    public List<SlotDrift> worstFirst() {
        return slots.stream()
                .sorted(Comparator.comparing((SlotDrift slot) -> !limits.exceeds(slot))
                        .thenComparingDouble(slot -> -loss(slot))
                        .thenComparingDouble(slot -> -slot.to().reach())
                        .thenComparing(SlotDrift::slot))
                .toList();
    }

    /** The slots that exceed a limit, the worst first. */
    public List<SlotDrift> exceeding() {
        return worstFirst().stream().filter(limits::exceeds).toList();
    }

    static double loss(SlotDrift slot) {
        Double loss = slot.lossDb();
        return loss == null ? 0 : loss;
    }

    long count(Predicate<SlotDrift> which) {
        return slots.stream().filter(which).count();
    }
}
