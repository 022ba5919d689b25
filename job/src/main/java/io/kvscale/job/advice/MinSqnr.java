package io.kvscale.job.advice;

import io.kvscale.input.InvalidOptionException;
import java.math.BigDecimal;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Chooses for each slot the cheapest format with at least a given SQNR. If K or V of a layer has no such format, the layer
 * stays unquantized.
 *
 * @param decibels minimum SQNR, at least 0
 */
public record MinSqnr(BigDecimal decibels) implements AdviceGoal {
    /** @throws InvalidOptionException for a negative number */
    public MinSqnr {
        if (decibels.signum() < 0) {
            throw new InvalidOptionException(
                    "--min-sqnr " + decibels + " is negative, which allows more noise than signal",
                    "use a number of decibels of at least 0; fp8 reaches about 30, formats of 4 bits 10 to 20");
        }
    }

    @Override
    public List<List<Candidate>> choose(List<List<SlotCandidates>> layers, boolean maySkip) {
        return layers.stream().map(layer -> choice(layer, maySkip)).toList();
    }

    private List<Candidate> choice(List<SlotCandidates> layer, boolean maySkip) {
        List<Candidate> cheapest = layer.stream()
                .map(slot -> slot.cheapest(decibels.doubleValue()))
                .flatMap(Optional::stream)
                .toList();
        if (cheapest.size() == layer.size()) {
            return cheapest;
        }
        if (!maySkip) {
            throw new InvalidOptionException(
                    "layer " + layer.get(0).slot().layer() + " reaches " + decibels.toPlainString()
                            + " dB in none of the target's formats, and the target cannot leave layers unquantized",
                    "lower --min-sqnr, or take another --for or --strategy");
        }
        return AdviceGoal.unquantized(layer);
    }

    @Override
    public Comparator<Advice> order() {
        return Comparator.comparingDouble(Advice::averageBits).thenComparingDouble(Advice::noiseToSignal);
    }

    @Override
    public String option() {
        return "--min-sqnr " + decibels.toPlainString();
    }
}
