package io.kvscale.job.advice;

import io.kvscale.job.target.ScaleExporter;
import io.kvscale.job.target.VllmExporter;
import io.kvscale.job.unitscale.UnitScaleComparison;
import io.kvscale.job.unitscale.UnitScaleSlot;
import io.kvscale.quant.Tolerances;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Slot;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The recommended format of each slot.
 *
 * @param target what will load the scales; null if not given
 * @param slots by layer, then role
 * @param allowed irregularities of the statistics that the recipe has to allow
 * @param warnings for the user
 */
public record Advice(
        AdviceGoal goal,
        Strategy strategy,
        @Nullable ScaleExporter target,
        List<SlotAdvice> slots,
        Tolerances allowed,
        List<String> warnings) {
    public Advice {
        slots = List.copyOf(slots);
        warnings = List.copyOf(warnings);
    }

    /** The unquantized layers, ascending. */
    public List<Integer> skippedLayers() {
        return slots.stream()
                .filter(slot -> !slot.chosen().isQuantized())
                .map(slot -> slot.slot().layer())
                .distinct()
                .toList();
    }

    /** The vLLM arguments that exclude the unquantized layers; null if there are none. */
    public @Nullable String skipArguments() {
        List<Integer> skipped = skippedLayers();
        return skipped.isEmpty() ? null : VllmExporter.skipArguments(skipped);
    }

    /** Average bits per value, over the values that a token adds to the cache. */
    public double averageBits() {
        long bits = 0;
        long values = 0;
        for (SlotAdvice slot : slots) {
            bits += (long) slot.candidates().valuesPerToken() * slot.chosen().bits();
            values += slot.candidates().valuesPerToken();
        }
        return (double) bits / values;
    }

    /** Sum over slots of noise to signal. */
    public double noiseToSignal() {
        return slots.stream()
                .map(SlotAdvice::chosen)
                .mapToDouble(Candidate::noiseToSignal)
                .reduce(0, Double::sum);
    }

    /** The slots by descending sensitivity, see {@link SlotCandidates#sensitivity}. */
    public List<SlotAdvice> ranking() {
        return slots.stream()
                .sorted(Comparator.comparingDouble(
                                (SlotAdvice slot) -> -slot.candidates().sensitivity())
                        .thenComparing(SlotAdvice::slot))
                .toList();
    }

    /** All slots in fp8 with scale 1.0; null if fp8 e4m3 was not to be chosen from. */
    public @Nullable UnitScaleComparison unitScale() {
        List<UnitScaleSlot> units = slots.stream()
                .map(slot -> slot.candidates().unit())
                .filter(Objects::nonNull)
                .toList();
        return units.isEmpty() ? null : new UnitScaleComparison(units);
    }

    /** Whether errors are approximate because F32 values were rounded before they were counted. */
    public boolean approximate() {
        return slots.stream().anyMatch(slot -> slot.chosen().error().approximate());
    }

    /** A recipe for {@code kvscale scales} with the recommended formats, as YAML; null if no layer is quantized. */
    public @Nullable String recipe() {
        return slots.stream().anyMatch(slot -> slot.chosen().isQuantized()) ? new AdviceRecipe(this).text() : null;
    }

    /** The reason why vLLM cannot load the recommended scales; null if it can, or if nothing is quantized. */
    public @Nullable String vllmRefusal() {
        return refusal(new VllmExporter());
    }

    /** The scheme of the first quantized slot; null if nothing is quantized. */
    public @Nullable QuantizationScheme commonScheme() {
        return slots.stream()
                .map(slot -> slot.chosen().scheme())
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    @Nullable
    String refusal(ScaleExporter exporter) {
        SortedMap<Slot, QuantizationScheme> schemes = new TreeMap<>();
        for (SlotAdvice slot : slots) {
            QuantizationScheme scheme = slot.chosen().scheme();
            if (scheme != null) {
                schemes.put(slot.slot(), scheme);
            }
        }
        QuantizationScheme common = commonScheme();
        return common == null ? null : exporter.refusal(schemes, common);
    }
}
