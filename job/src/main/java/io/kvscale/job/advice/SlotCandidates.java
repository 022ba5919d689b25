package io.kvscale.job.advice;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.SlotError;
import io.kvscale.quant.search.Mse;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The ways to hold the K or V of a layer.
 *
 * @param valuesPerToken heads x head_dim: what the slot weighs in an average of bits
 * @param quantized by preference: of two that are equally good the first is taken
 * @param unquantized the last resort
 */
public record SlotCandidates(Slot slot, int valuesPerToken, List<Candidate> quantized, Candidate unquantized) {
    /** The squared error is what SQNR is made of, so its least sum is the most that static scales can reach. */
    private static final Observer SQUARED = new Mse(2.0);

    public SlotCandidates {
        quantized = List.copyOf(quantized);
    }

    /**
     * Symmetric static scales of the least squared error, in each of these formats.
     *
     * @param seen with every value counted
     */
    static SlotCandidates of(Slot slot, SlotStatistics seen, List<NumberFormat> formats, Strategy strategy) {
        List<Candidate> quantized = new ArrayList<>();
        for (NumberFormat format : formats) {
            QuantizationScheme scheme = QuantizationScheme.of(format, strategy, true, SQUARED);
            quantized.add(new Candidate(scheme, Objects.requireNonNull(SlotError.of(seen, scheme))));
        }
        return new SlotCandidates(
                slot,
                seen.geometry().channels(),
                quantized,
                Candidate.unquantized(quantized.get(0).error()));
    }

    /** The fewest bits with at least that SQNR, of those the highest SQNR; empty if none has it. */
    Optional<Candidate> cheapest(double minSqnrDb) {
        return quantized.stream()
                .filter(candidate -> candidate.error().sqnrDb() >= minSqnrDb)
                .min(Comparator.comparingInt(Candidate::bits)
                        .thenComparing(candidate -> candidate.error().sqnrDb(), Comparator.reverseOrder()));
    }

    /** The least noise at so many bits; empty where no format has as many. */
    public Optional<Candidate> best(int bits) {
        return quantized.stream()
                .filter(candidate -> candidate.bits() == bits)
                .min(Comparator.comparingDouble(Candidate::noiseToSignal));
    }

    /** The bits that formats here have, ascending. */
    public List<Integer> bits() {
        return quantized.stream().map(Candidate::bits).distinct().sorted().toList();
    }

    /** Noise to signal at the fewest bits, at best: what makes a slot sensitive, whatever the budget. */
    double sensitivity() {
        return best(bits().get(0)).orElseThrow().noiseToSignal();
    }
}
