package io.kvscale.job.advice;

import io.kvscale.input.InvalidOptionException;
import java.math.BigDecimal;
import java.util.List;
import java.util.Optional;

/**
 * The cheapest format with at least that ratio of signal to noise, slot by slot. Where K or V has none, the layer stays
 * unquantized.
 *
 * @param decibels at least 0
 */
public record MinSqnr(BigDecimal decibels) implements AdviceBudget {
    /** @throws InvalidOptionException for less than 0 dB */
    public MinSqnr {
        if (decibels.signum() < 0) {
            throw new InvalidOptionException(
                    "--min-sqnr " + decibels + " asks for more noise than signal",
                    "give decibels of at least 0; fp8 has about 30, 4 bits have 10 to 20");
        }
    }

    @Override
    public List<List<Candidate>> choose(List<List<SlotCandidates>> layers) {
        return layers.stream().map(this::choice).toList();
    }

    private List<Candidate> choice(List<SlotCandidates> layer) {
        List<Candidate> cheapest = layer.stream()
                .map(slot -> slot.cheapest(decibels.doubleValue()))
                .flatMap(Optional::stream)
                .toList();
        return cheapest.size() == layer.size() ? cheapest : AdviceBudget.unquantized(layer);
    }

    @Override
    public String option() {
        return "--min-sqnr " + decibels.toPlainString();
    }
}
