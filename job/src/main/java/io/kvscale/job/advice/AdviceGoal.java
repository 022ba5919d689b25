package io.kvscale.job.advice;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.numeric.NumberFormat;
import java.util.Comparator;
import java.util.List;

/** The goal by which formats are chosen. */
public sealed interface AdviceGoal permits MinSqnr, AverageBits {
    /**
     * Chooses one candidate for each slot. Either all slots of a layer are quantized or none, because engines and recipes
     * can exclude layers only.
     *
     * @param layers the slots of each layer
     * @param maySkip whether layers may stay unquantized
     * @return the chosen candidates in the same order
     * @throws InvalidOptionException if no layer may be skipped, and these formats cannot meet the goal without
     */
    List<List<Candidate>> choose(List<List<SlotCandidates>> layers, boolean maySkip);

    /** @throws InvalidOptionException if these formats cannot meet the goal for any data */
    default void check(List<NumberFormat> formats) {}

    /** The better of two advices that meet the goal comes first. */
    Comparator<Advice> order();

    /** The command-line option of this goal with its value. */
    String option();

    /** The unquantized candidates of all slots of a layer. */
    static List<Candidate> unquantized(List<SlotCandidates> layer) {
        return layer.stream().map(SlotCandidates::unquantized).toList();
    }
}
