package io.kvscale.job.advice;

import io.kvscale.job.export.VllmExporter;
import io.kvscale.quant.Tolerances;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Slot;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A format for the K and the V of each layer, within a budget.
 *
 * @param slots by layer, then role
 * @param allowed what the recipe allows the statistics to lack
 * @param warnings for the reader of the advice
 */
public record Advice(
        AdviceBudget budget, Strategy strategy, List<SlotAdvice> slots, Tolerances allowed, List<String> warnings) {
    public Advice {
        slots = List.copyOf(slots);
        warnings = List.copyOf(warnings);
    }

    /** The layers that stay unquantized, ascending. */
    public List<Integer> skippedLayers() {
        return slots.stream()
                .filter(slot -> !slot.chosen().isQuantized())
                .map(slot -> slot.slot().layer())
                .distinct()
                .toList();
    }

    /** The arguments with which vLLM leaves those layers out, K and V: their numbers; null if there are none. */
    public @Nullable String skipArguments() {
        List<Integer> skipped = skippedLayers();
        return skipped.isEmpty()
                ? null
                : "--kv-cache-dtype-skip-layers "
                        + skipped.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }

    /** Bits a value, over the values that a token adds to the cache. */
    public double averageBits() {
        long bits = 0;
        long values = 0;
        for (SlotAdvice slot : slots) {
            bits += (long) slot.candidates().valuesPerToken() * slot.chosen().bits();
            values += slot.candidates().valuesPerToken();
        }
        return (double) bits / values;
    }

    /** The sum over slots of noise to signal. */
    public double noiseToSignal() {
        return slots.stream()
                .map(SlotAdvice::chosen)
                .mapToDouble(Candidate::noiseToSignal)
                .reduce(0, Double::sum);
    }

    /** The slots, those first that lose most in the fewest bits, whatever was chosen. */
    public List<SlotAdvice> ranking() {
        return slots.stream()
                .sorted(Comparator.comparingDouble(
                                (SlotAdvice slot) -> -slot.candidates().sensitivity())
                        .thenComparing(SlotAdvice::slot))
                .toList();
    }

    /** Whether values were rounded before they were counted: F32 data. */
    public boolean approximate() {
        return slots.stream().anyMatch(slot -> slot.chosen().error().approximate());
    }

    /** A recipe with which {@code kvscale scales} gives what is advised, as YAML; null where no layer is quantized. */
    public @Nullable String recipe() {
        return skippedLayers().size()
                        == slots.stream()
                                .map(slot -> slot.slot().layer())
                                .distinct()
                                .count()
                ? null
                : new AdviceRecipe(this).text();
    }

    /** Why vLLM does not load what is advised; null if it does, or if nothing is quantized. */
    public @Nullable String vllmRefusal() {
        SortedMap<Slot, QuantizationScheme> schemes = new TreeMap<>();
        for (SlotAdvice slot : slots) {
            QuantizationScheme scheme = slot.chosen().scheme();
            if (scheme != null) {
                schemes.put(slot.slot(), scheme);
            }
        }
        List<QuantizationScheme> all = List.copyOf(schemes.values());
        return all.isEmpty() ? null : VllmExporter.refusal(schemes, all.get(0));
    }
}
