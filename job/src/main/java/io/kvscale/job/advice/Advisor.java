package io.kvscale.job.advice;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.target.ScaleExporter;
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
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Chooses a number format for each slot from statistics with histograms. */
public final class Advisor {
    /** All formats, by the number of engines that support them. */
    public static final List<NumberFormat> FORMATS = List.of(NumberFormat.values());

    private final Strategy strategy;
    private final List<NumberFormat> formats;
    private final AdviceGoal goal;
    private final @Nullable ScaleExporter target;

    /**
     * @param strategy {@link Strategy#TENSOR} or {@link Strategy#ATTN_HEAD}, because histograms are per head
     * @param formats to choose from, at least one
     * @param target what will load the scales; null if all formats may be mixed
     * @throws InvalidOptionException if these formats cannot meet the goal, or the target loads none of them
     */
    public Advisor(
            Strategy strategy, Collection<NumberFormat> formats, AdviceGoal goal, @Nullable ScaleExporter target) {
        if (!strategy.isByHeads() || formats.isEmpty()) {
            throw new IllegalArgumentException(strategy + ", " + formats);
        }
        this.strategy = strategy;
        this.target = target;
        this.formats = FORMATS.stream()
                .filter(formats::contains)
                .filter(format -> target == null || refusal(target, format, strategy) == null)
                .toList();
        if (target != null && this.formats.isEmpty()) {
            throw new InvalidOptionException(
                    "--for " + target.target() + " with strategy " + strategy.word() + ": "
                            + refusal(target, formats.iterator().next(), strategy),
                    "take another --strategy, --formats or --for");
        }
        this.goal = goal;
        goal.check(this.formats);
    }

    /** Why a target cannot load K and V in one format. */
    private static @Nullable String refusal(ScaleExporter target, NumberFormat format, Strategy strategy) {
        QuantizationScheme scheme = QuantizationScheme.of(format, strategy);
        String refusal = target.refusal(
                new TreeMap<>(Map.of(new Slot(0, Role.KEY), scheme, new Slot(0, Role.VALUE), scheme)), scheme);
        return refusal == null && !target.usesScales(scheme)
                ? target.engine() + " does not use scales of " + format.word()
                : refusal;
    }

    /**
     * Measures every format on every slot and chooses. Irregularities that a recipe can allow are allowed, with a warning.
     *
     * @throws InvalidDataException for statistics without histograms, or from which no scales can be derived
     */
    public Advice advise(CalibrationStatistics statistics) {
        SortedMap<Slot, SlotStatistics> slots = Slot.cached(statistics.slots());
        Tolerances allowed = allowed(slots);
        List<String> warnings = new ArrayList<>(warnings(allowed));
        if (slots.size() < statistics.slots().size()) {
            warnings.add("queries are left out: the cache does not hold them, so no format of theirs saves memory");
        }
        SlotSchemes any = SlotSchemes.of(QuantizationScheme.of(formats.get(0), strategy));
        warnings.addAll(new ScaleSolver(any, layer -> true, allowed)
                .solve(statistics, null)
                .warnings());
        slots.forEach(Advisor::checkCounted);
        List<List<SlotCandidates>> layers = List.copyOf(List.copyOf(slots.entrySet()).parallelStream()
                .map(slot -> SlotCandidates.of(slot.getKey(), slot.getValue(), formats, strategy))
                .collect(Collectors.groupingBy(slot -> slot.slot().layer(), TreeMap::new, Collectors.toList()))
                .values());
        Advice best = advice(layers, allowed, warnings);
        if (target == null || best.refusal(target) == null) {
            return best;
        }
        // The target takes one format for all slots.
        List<Advice> single = new ArrayList<>();
        InvalidOptionException failure = null;
        for (NumberFormat format : formats) {
            try {
                goal.check(List.of(format));
                single.add(advice(only(layers, format), allowed, warnings));
            } catch (InvalidOptionException e) {
                failure = e;
            }
        }
        if (single.isEmpty()) {
            throw Objects.requireNonNull(failure);
        }
        return Collections.min(single, goal.order());
    }

    private static List<List<SlotCandidates>> only(List<List<SlotCandidates>> layers, NumberFormat format) {
        return layers.stream()
                .map(layer -> layer.stream().map(slot -> slot.only(format)).toList())
                .toList();
    }

    private Advice advice(List<List<SlotCandidates>> layers, Tolerances allowed, List<String> warnings) {
        List<List<Candidate>> chosen = goal.choose(layers, target == null || target.skipsLayers());
        List<SlotAdvice> advice = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            for (int j = 0; j < layers.get(i).size(); j++) {
                advice.add(new SlotAdvice(layers.get(i).get(j), chosen.get(i).get(j)));
            }
        }
        return new Advice(goal, strategy, target, advice, allowed, warnings);
    }

    private static void checkCounted(Slot slot, SlotStatistics seen) {
        if (!seen.hasHistograms()) {
            throw new InvalidDataException(DataProblem.of(
                            "advise needs histograms, but the statistics hold only ranges",
                            "calibrate again with statistics: histogram under kvscale in the recipe")
                    .inSlot(slot));
        }
    }

    /** The irregularities of the statistics that a recipe has to allow, as the recipe of the calibration did. */
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

    private static List<String> warnings(Tolerances allowed) {
        List<String> warnings = new ArrayList<>();
        if (allowed.hybrid()) {
            warnings.add("layers are missing or have different numbers of tokens: the recipe sets hybrid: true");
        }
        if (allowed.mla()) {
            warnings.add("some layers have K but no V: the recipe sets mla: true");
        }
        if (allowed.allowZero()) {
            warnings.add("some slots hold only zeros: the recipe sets allow_zero: true");
        }
        if (allowed.skipNonFinite()) {
            warnings.add("the statistics count NaN or infinite values: the recipe sets on_nonfinite: skip");
        }
        return warnings;
    }
}
