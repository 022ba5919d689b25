package io.kvscale.job.advice;

import io.kvscale.job.unitscale.UnitScaleSlot;
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
import org.jspecify.annotations.Nullable;

/**
 * The candidates of a slot.
 *
 * @param valuesPerToken heads x head_dim, the weight of the slot in an average of bits
 * @param quantized by preference: the first of two equally good candidates is chosen
 * @param unquantized the candidate that leaves the slot as it is
 * @param unit compares the candidate in fp8 e4m3 with scale 1.0; null without that candidate
 */
public record SlotCandidates(
        Slot slot,
        int valuesPerToken,
        List<Candidate> quantized,
        Candidate unquantized,
        @Nullable UnitScaleSlot unit) {
    /** SQNR is defined by the squared error, so these scales have the highest SQNR of all static scales. */
    private static final Observer SQUARED = new Mse(2.0);

    public SlotCandidates {
        quantized = List.copyOf(quantized);
    }

    /**
     * Measures symmetric static scales with the least squared error in each format.
     *
     * @param seen statistics with histograms
     */
    static SlotCandidates of(Slot slot, SlotStatistics seen, List<NumberFormat> formats, Strategy strategy) {
        List<Candidate> quantized = new ArrayList<>();
        UnitScaleSlot unit = null;
        for (NumberFormat format : formats) {
            QuantizationScheme scheme = QuantizationScheme.of(format, strategy, true, SQUARED);
            SlotError error = Objects.requireNonNull(SlotError.of(seen, scheme));
            quantized.add(new Candidate(scheme, error));
            unit = format == NumberFormat.FP8_E4M3 ? UnitScaleSlot.of(slot, seen, SQUARED, error) : unit;
        }
        return new SlotCandidates(
                slot,
                seen.geometry().channels(),
                quantized,
                Candidate.unquantized(quantized.get(0).error()),
                unit);
    }

    /** The same with one format only. */
    SlotCandidates only(NumberFormat format) {
        return new SlotCandidates(
                slot,
                valuesPerToken,
                quantized.stream()
                        .filter(candidate ->
                                Objects.requireNonNull(candidate.scheme()).format() == format)
                        .toList(),
                unquantized,
                unit);
    }

    /** The candidate with the fewest bits that has at least this SQNR; on a tie the highest SQNR. Empty if there is none. */
    Optional<Candidate> cheapest(double minSqnrDb) {
        return quantized.stream()
                .filter(candidate -> candidate.error().sqnrDb() >= minSqnrDb)
                .min(Comparator.comparingInt(Candidate::bits)
                        .thenComparing(candidate -> candidate.error().sqnrDb(), Comparator.reverseOrder()));
    }

    /** The candidate with the least noise at this number of bits; empty if no format has it. */
    public Optional<Candidate> best(int bits) {
        return quantized.stream()
                .filter(candidate -> candidate.bits() == bits)
                .min(Comparator.comparingDouble(Candidate::noiseToSignal));
    }

    /** The numbers of bits of the candidates, ascending. */
    public List<Integer> bits() {
        return quantized.stream().map(Candidate::bits).distinct().sorted().toList();
    }

    /** Noise to signal of the best candidate with the fewest bits. It ranks slots independently of the goal. */
    double sensitivity() {
        return best(bits().get(0)).orElseThrow().noiseToSignal();
    }
}
