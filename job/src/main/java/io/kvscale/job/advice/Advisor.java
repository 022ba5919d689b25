package io.kvscale.job.advice;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.quant.Tolerances;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** From statistics and a budget to advice. */
public final class Advisor {
    /** Every format of static scales, in order of preference. */
    public static final List<NumberFormat> FORMATS = List.of(NumberFormat.values());

    private final Strategy strategy;
    private final List<NumberFormat> formats;
    private final AdviceBudget budget;

    /**
     * @param strategy {@link Strategy#TENSOR} or {@link Strategy#ATTN_HEAD}: values are counted by head
     * @param formats to choose from, at least one
     * @throws io.kvscale.input.InvalidOptionException if these formats cannot keep to the budget
     */
    public Advisor(Strategy strategy, Collection<NumberFormat> formats, AdviceBudget budget) {
        if (!strategy.isByHeads() || formats.isEmpty()) {
            throw new IllegalArgumentException(strategy + ", " + formats);
        }
        this.strategy = strategy;
        this.formats = FORMATS.stream().filter(formats::contains).toList();
        this.budget = budget;
        budget.check(this.formats);
    }

    /**
     * Measures every format on every slot and chooses.
     *
     * @throws io.kvscale.tensor.InvalidDataException for statistics without histograms, or that could not give scales; what a
     *     recipe can allow is taken as allowed, and said in the advice
     */
    public Advice advise(CalibrationStatistics statistics) {
        SortedMap<Slot, SlotStatistics> slots = statistics.slots();
        Tolerances allowed = allowed(slots);
        List<String> warnings = new ArrayList<>(said(allowed));
        SlotSchemes any = SlotSchemes.of(QuantizationScheme.of(formats.get(0), strategy));
        warnings.addAll(new ScaleSolver(any, layer -> true, allowed)
                .solve(statistics, null)
                .warnings());
        slots.forEach(Advisor::checkCounted);
        List<SlotCandidates> candidates = List.copyOf(slots.entrySet()).parallelStream()
                .map(slot -> SlotCandidates.of(slot.getKey(), slot.getValue(), formats, strategy))
                .toList();
        List<List<SlotCandidates>> layers = byLayer(candidates);
        List<List<Candidate>> chosen = budget.choose(layers);
        List<SlotAdvice> advice = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            for (int j = 0; j < layers.get(i).size(); j++) {
                advice.add(new SlotAdvice(layers.get(i).get(j), chosen.get(i).get(j)));
            }
        }
        return new Advice(budget, strategy, advice, allowed, warnings);
    }

    private static void checkCounted(Slot slot, SlotStatistics seen) {
        if (!seen.hasCounts()) {
            throw new InvalidDataException(DataProblem.of(
                            "advice needs histograms, and the statistics hold ranges only",
                            "calibrate again with statistics: histogram under kvscale in the recipe")
                    .inSlot(slot));
        }
    }

    private static List<List<SlotCandidates>> byLayer(List<SlotCandidates> slots) {
        Map<Integer, List<SlotCandidates>> layers = new TreeMap<>();
        slots.forEach(slot -> layers.computeIfAbsent(slot.slot().layer(), l -> new ArrayList<>())
                .add(slot));
        return List.copyOf(layers.values());
    }

    /** What a recipe must allow for these statistics to give scales, as the one of their calibration did. */
    private static Tolerances allowed(SortedMap<Slot, SlotStatistics> slots) {
        long layers = slots.keySet().stream().mapToInt(Slot::layer).distinct().count();
        boolean gaps = !slots.isEmpty() && layers <= slots.lastKey().layer();
        boolean uneven = slots.values().stream()
                        .mapToLong(SlotStatistics::tokens)
                        .distinct()
                        .count()
                > 1;
        return new Tolerances(
                gaps || uneven,
                slots.keySet().stream()
                        .anyMatch(slot ->
                                slot.role() == Role.KEY && !slots.containsKey(new Slot(slot.layer(), Role.VALUE))),
                slots.values().stream().anyMatch(seen -> seen.min() == 0 && seen.max() == 0),
                slots.values().stream().anyMatch(seen -> seen.nan() + seen.infinite() > 0));
    }

    private static List<String> said(Tolerances allowed) {
        List<String> said = new ArrayList<>();
        if (allowed.hybrid()) {
            said.add("layers are missing, or differ in their tokens: the recipe says hybrid: true");
        }
        if (allowed.mla()) {
            said.add("some layers have a key and no value: the recipe says mla: true");
        }
        if (allowed.allowZero()) {
            said.add("some slot holds zeros only: the recipe says allow_zero: true");
        }
        if (allowed.skipNonFinite()) {
            said.add("NaN or infinite values were seen: the recipe says on_nonfinite: skip");
        }
        return said;
    }
}
