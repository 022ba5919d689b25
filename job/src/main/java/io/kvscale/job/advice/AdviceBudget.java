package io.kvscale.job.advice;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.numeric.NumberFormat;
import java.util.List;

/** What a choice of formats has to keep to. */
public sealed interface AdviceBudget permits MinSqnr, MeanBits {
    /**
     * Chooses one candidate for each slot. A layer is quantized whole or not at all, for engines and recipes leave out
     * layers, not halves of them.
     *
     * @param layers the slots of each layer, in order
     * @return as many lists of as many candidates
     */
    List<List<Candidate>> choose(List<List<SlotCandidates>> layers);

    /** @throws InvalidOptionException if these formats cannot keep to it, whatever the data */
    default void check(List<NumberFormat> formats) {}

    /** The option that asks for it. */
    String option();

    /** All slots of a layer left as they are. */
    static List<Candidate> unquantized(List<SlotCandidates> layer) {
        return layer.stream().map(SlotCandidates::unquantized).toList();
    }
}
