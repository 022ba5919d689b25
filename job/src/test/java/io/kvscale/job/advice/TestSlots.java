package io.kvscale.job.advice;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.SlotError;
import io.kvscale.quant.search.Mse;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Slots with artificial errors. */
final class TestSlots {
    private TestSlots() {}

    static Candidate candidate(NumberFormat format, double noise) {
        QuantizationScheme scheme = QuantizationScheme.of(format, Strategy.TENSOR, true, new Mse(2.0));
        double sqnr = noise == 0 ? Double.POSITIVE_INFINITY : -10 * StrictMath.log10(noise);
        return new Candidate(scheme, new SlotError(64, 1, noise, noise / 64, sqnr, 0, 16, false));
    }

    static SlotCandidates slot(int layer, Role role, int values, Candidate... quantized) {
        return new SlotCandidates(
                new Slot(layer, role), values, List.of(quantized), Candidate.unquantized(quantized[0].error()), null);
    }

    /** Noise whose f64 sums are exact, with many ties: up to 1/8 for 8 bits, up to 1 for 4 bits. */
    static SlotCandidates slot(int layer, Role role, int values, SplittableRandom random) {
        return slot(
                layer,
                role,
                values,
                Advisor.FORMATS.stream()
                        .map(format -> candidate(format, random.nextInt(8) / (format.bits() == 8 ? 64.0 : 8.0)))
                        .toArray(Candidate[]::new));
    }

    /** Layers with K and V or only K, in a few sizes. */
    static List<List<SlotCandidates>> layers(int count, SplittableRandom random) {
        List<List<SlotCandidates>> layers = new ArrayList<>();
        for (int layer = 0; layer < count; layer++) {
            List<SlotCandidates> slots = new ArrayList<>();
            slots.add(slot(layer, Role.KEY, 32 * (1 + random.nextInt(3)), random));
            if (random.nextInt(5) > 0) {
                slots.add(slot(layer, Role.VALUE, 32 * (1 + random.nextInt(3)), random));
            }
            layers.add(slots);
        }
        return layers;
    }
}
