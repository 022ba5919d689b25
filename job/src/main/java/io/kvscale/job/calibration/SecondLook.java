package io.kvscale.job.calibration;

import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.Work;
import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.evidence.MixedRotation;
import io.kvscale.task.Copies;
import io.kvscale.task.SampleSlots;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;

/**
 * Finds the samples to name after a pass whose state shows that something is wrong. The state of a pass is small and knows
 * no single sample, so another pass looks at each. A corpus without a fault is not read again, except for the headers of
 * captures whose layers with a sliding window hold fewer tokens.
 */
record SecondLook(JavaSparkContext spark, Pass pass, Progress progress) {
    /** The problem of samples that lack slots or tokens, or of padding that was counted as tokens; null if there is none. */
    @Nullable
    DataProblem problem(TaskState state) {
        DataProblem uneven = uneven(state);
        if (uneven != null || pass.recipe().allowZero() || !state.suspicion().zeroEnds()) {
            return uneven;
        }
        TreeSet<Slot> longest = longest(state.statistics());
        IrregularSamples padded =
                survey(longest, new ZeroEndsRule(longest, pass.maskRemedy())).get(0);
        return padded.isEmpty() ? padded.failure() : counted(padded, "");
    }

    /** The problem of samples that lack slots or tokens; null if there is none. */
    @Nullable
    DataProblem uneven(TaskState state) {
        CalibrationStatistics statistics = state.statistics();
        DataProblem uneven = CalibrationResult.solver(pass.recipe()).unevenTokens(statistics);
        TreeMap<Slot, Integer> groups = groups(statistics);
        boolean hybrid = pass.recipe().hybrid();
        TreeMap<Slot, Integer> alike = new TreeMap<>(groups);
        if (!hybrid) {
            // Layers with windows may hold fewer tokens. Only the samples tell how many each may lack.
            alike.replaceAll((slot, window) -> 0);
        }
        if (uneven == null && !state.tokenSums().differ(alike)) {
            return null;
        }
        List<IrregularSamples> found = survey(
                new TreeSet<>(),
                new CoverageRule(groups, hybrid, knowsModel(), false),
                new CoverageRule(groups, hybrid, knowsModel(), true));
        IrregularSamples lacking = found.get(0);
        IrregularSamples odd = found.get(1);
        if (lacking.failure() != null) {
            return lacking.failure();
        } else if (uneven == null) {
            // Samples that lack slots may be one sample in files of several names.
            return odd.isEmpty() ? null : counted(odd, "");
        } else if (lacking.irregular() + odd.irregular() == odd.samples() && odd.samples() > 1) {
            return allIrregular(uneven, odd);
        } else if (lacking.isEmpty()) {
            return odd.isEmpty() ? uneven : counted(odd, "");
        }
        return counted(
                lacking,
                odd.isEmpty()
                        ? ""
                        : (odd.irregular() == 1 ? "; in 1 other, " : "; in " + odd.irregular() + " others, ")
                                + "slots differ in their tokens");
    }

    private boolean knowsModel() {
        return pass.recipe().tolerances().model() != null;
    }

    /** Nothing tells one sample from the others. */
    private DataProblem allIrregular(DataProblem uneven, IrregularSamples odd) {
        boolean allHold = odd.irregular() == odd.samples();
        return new DataProblem(
                uneven.what() + "; none of the " + odd.samples()
                        + (allHold
                                ? " samples has the same number of tokens in all slots"
                                : " samples holds all slots"),
                "capture the whole cache of each sample in one file"
                        + (allHold ? CoverageRule.sliding(knowsModel()) : ""),
                null,
                uneven.slot(),
                null,
                null);
    }

    /** Warnings about the values of a pass without a problem. */
    List<String> warnings(TaskState state) {
        List<String> warnings = new ArrayList<>();
        if (state.suspicion().equalEnds()) {
            IrregularSamples padded = survey(
                            new TreeSet<>(List.of(EqualEndsRule.EMBEDDED)), new EqualEndsRule(pass.maskRemedy()))
                    .get(0);
            if (!padded.isEmpty()) {
                warnings.add(line(counted(padded, "")));
            }
        }
        Copies.Found copies = state.copies().found();
        if (copies != null) {
            warnings.add(named(copies.first()) + " and " + named(copies.copy())
                    + " hold the same keys, so their tokens count twice"
                    + (copies.samples() == 1 ? "" : "; " + copies.samples() + " samples are copies of others")
                    + "; leave the copies out");
        }
        MixedRotation mixed = MixedRotation.of(state.rotations().samples());
        if (mixed != null) {
            boolean before = pass.recipe().tolerances().keysBeforeRope();
            warnings.addAll(new MixedSamples(mixed, before).warnings());
        }
        return warnings;
    }

    /** A problem in one line, as warnings need it. */
    static String line(DataProblem problem) {
        return problem.message().lines().map(String::strip).collect(Collectors.joining("; "));
    }

    /** @param others what else is wrong, with other samples */
    private static DataProblem counted(IrregularSamples found, String others) {
        DataProblem first = found.first().get(0);
        return found.samples() == 1
                ? first
                : new DataProblem(
                        first.what() + " (" + found.counted() + others + ")",
                        first.remedy(),
                        first.sample(),
                        first.slot(),
                        first.file(),
                        first.tensor());
    }

    private static String named(Origin origin) {
        String file = DataProblem.shown(origin.file());
        return origin.sample() == null
                ? file
                : "sample " + DataProblem.shown(origin.sample().toString()) + (file.isEmpty() ? "" : " (" + file + ")");
    }

    /**
     * The groups of slots that hold the same tokens of each sample: layers with one window, or K and V of one layer. Queries
     * are with the layers that have no window, or alone.
     */
    private TreeMap<Slot, Integer> groups(CalibrationStatistics statistics) {
        @Nullable ModelConfig model = pass.recipe().tolerances().model();
        TreeMap<Slot, Integer> groups = new TreeMap<>();
        for (Slot slot : statistics.slots().keySet()) {
            @Nullable LayerCache cache = model == null ? null : model.layer(slot.layer());
            if (slot.role().isCached()) {
                groups.put(slot, pass.recipe().hybrid() ? slot.layer() : cache == null ? 0 : cache.window());
            } else {
                // No window cuts queries off. The layers of a hybrid model need not agree.
                groups.put(slot, pass.recipe().hybrid() ? -1 - slot.layer() : 0);
            }
        }
        return groups;
    }

    /**
     * K and V of the first and the last of the layers with the most tokens. Layers with a sliding window hold fewer tokens than
     * the padding of others.
     */
    private static TreeSet<Slot> longest(CalibrationStatistics statistics) {
        SortedMap<Slot, SlotStatistics> cached = Slot.cached(statistics.slots());
        long most =
                cached.values().stream().mapToLong(SlotStatistics::tokens).max().orElse(0);
        TreeSet<Slot> longest = cached.entrySet().stream()
                .filter(entry -> entry.getValue().tokens() == most)
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(TreeSet::new));
        Set<Integer> ends =
                new TreeSet<>(List.of(longest.first().layer(), longest.last().layer()));
        longest.removeIf(slot -> !ends.contains(slot.layer()));
        return longest;
    }

    /** The samples that break each of the rules. */
    private List<IrregularSamples> survey(TreeSet<Slot> scanned, IrregularSamples.Rule... rules) {
        List<IrregularSamples.Rule> all = List.of(rules);
        List<byte[]> parts = progress.track(
                spark,
                "looks at samples again",
                new Work.SecondLook(),
                (looked, samples) -> pass.survey(scanned, looked)
                        .reduceByKey((a, b) -> JavaSerde.bytes(slots(a).merge(slots(b))))
                        .values()
                        .mapPartitions(found -> judged(found, all))
                        .collect());
        IrregularSamples[] found = none(all);
        for (byte[] part : parts) {
            IrregularSamples[] more = JavaSerde.value(part, IrregularSamples[].class);
            Arrays.setAll(found, i -> found[i].merge(more[i]));
        }
        return List.of(found);
    }

    private static Iterator<byte[]> judged(Iterator<byte[]> samples, List<IrregularSamples.Rule> rules) {
        IrregularSamples[] found = none(rules);
        while (samples.hasNext()) {
            SampleSlots sample = slots(samples.next());
            Arrays.setAll(found, i -> found[i].with(sample, rules.get(i)));
        }
        return List.of(JavaSerde.bytes(found)).iterator();
    }

    private static IrregularSamples[] none(List<IrregularSamples.Rule> rules) {
        return rules.stream().map(rule -> IrregularSamples.NONE).toArray(IrregularSamples[]::new);
    }

    private static SampleSlots slots(byte[] bytes) {
        return JavaSerde.value(bytes, SampleSlots.class);
    }
}
