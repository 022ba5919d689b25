package io.kvscale.job.calibration;

import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.Work;
import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.task.Copies;
import io.kvscale.task.SampleSlots;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;

/**
 * Finds the samples to name after a pass whose state shows that something is wrong. The state of a pass is small and knows
 * no single sample, so another pass looks at each. A corpus without a fault is not read again.
 */
record SecondLook(JavaSparkContext spark, Pass pass, Progress progress) {
    /** The problem of samples that lack slots or tokens, or of padding that was counted as tokens; null if there is none. */
    @Nullable
    DataProblem problem(TaskState state) {
        DataProblem uneven = uneven(state.statistics());
        if (uneven != null || pass.recipe().allowZero() || !state.suspicion().zeroEnds()) {
            return uneven;
        }
        TreeSet<Slot> longest = longest(state.statistics());
        IrregularSamples padded = survey(longest, new ZeroEndsRule(longest));
        return padded.isEmpty() ? padded.failure() : counted(padded);
    }

    /** The problem of samples that lack slots or tokens; null if there is none. */
    @Nullable
    DataProblem uneven(CalibrationStatistics statistics) {
        DataProblem uneven = CalibrationResult.solver(pass.recipe()).unevenTokens(statistics);
        if (uneven == null) {
            return null;
        }
        IrregularSamples incomplete = survey(new TreeSet<>(), new CoverageRule(windows(statistics)));
        DataProblem failure = incomplete.failure();
        if (failure != null) {
            return failure;
        } else if (incomplete.irregular() == incomplete.samples() && incomplete.samples() > 1) {
            // Nothing tells one sample from the others.
            return new DataProblem(
                    uneven.what() + "; none of the " + incomplete.samples()
                            + " samples has the same number of tokens in all slots",
                    "capture the whole cache of each sample in one file" + CoverageRule.SLIDING,
                    null,
                    uneven.slot(),
                    null,
                    null);
        }
        return incomplete.isEmpty() ? uneven : counted(incomplete);
    }

    /** Warnings about the values of a pass without a problem. */
    List<String> warnings(TaskState state) {
        List<String> warnings = new ArrayList<>();
        if (state.suspicion().equalEnds()) {
            IrregularSamples padded = survey(new TreeSet<>(List.of(EqualEndsRule.EMBEDDED)), new EqualEndsRule());
            if (!padded.isEmpty()) {
                warnings.add(line(counted(padded)));
            }
        }
        Copies.Found copies = state.copies().found();
        if (copies != null) {
            warnings.add(named(copies.first()) + " and " + named(copies.copy())
                    + " hold the same keys, so their tokens count twice"
                    + (copies.samples() == 1 ? "" : "; " + copies.samples() + " samples are copies of others")
                    + "; leave the copies out");
        }
        return warnings;
    }

    /** A problem in one line, as warnings need it. */
    static String line(DataProblem problem) {
        return problem.message().lines().map(String::strip).collect(Collectors.joining("; "));
    }

    private static DataProblem counted(IrregularSamples found) {
        DataProblem first = found.first().get(0);
        return found.samples() == 1
                ? first
                : new DataProblem(
                        first.what() + " (" + found.counted() + ")",
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

    private TreeMap<Slot, Integer> windows(CalibrationStatistics statistics) {
        @Nullable ModelConfig model = pass.recipe().tolerances().model();
        TreeMap<Slot, Integer> windows = new TreeMap<>();
        for (Slot slot : statistics.slots().keySet()) {
            @Nullable LayerCache cache = model == null ? null : model.layer(slot.layer());
            windows.put(slot, cache == null ? 0 : cache.window());
        }
        return windows;
    }

    /**
     * K and V of the first and the last of the layers with the most tokens. Layers with a sliding window hold fewer tokens than
     * the padding of others.
     */
    private static TreeSet<Slot> longest(CalibrationStatistics statistics) {
        long most = statistics.slots().values().stream()
                .mapToLong(SlotStatistics::tokens)
                .max()
                .orElse(0);
        TreeSet<Slot> longest = statistics.slots().entrySet().stream()
                .filter(entry -> entry.getValue().tokens() == most)
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(TreeSet::new));
        Set<Integer> ends =
                new TreeSet<>(List.of(longest.first().layer(), longest.last().layer()));
        longest.removeIf(slot -> !ends.contains(slot.layer()));
        return longest;
    }

    private IrregularSamples survey(TreeSet<Slot> scanned, IrregularSamples.Rule rule) {
        List<byte[]> parts = progress.track(
                spark,
                "looks at samples again",
                new Work.SecondLook(),
                (looked, samples) -> pass.survey(scanned, looked)
                        .reduceByKey((a, b) -> JavaSerde.bytes(slots(a).merge(slots(b))))
                        .values()
                        .mapPartitions(found -> judged(found, rule))
                        .collect());
        return parts.stream()
                .map(part -> JavaSerde.value(part, IrregularSamples.class))
                .reduce(IrregularSamples.NONE, IrregularSamples::merge);
    }

    private static Iterator<byte[]> judged(Iterator<byte[]> samples, IrregularSamples.Rule rule) {
        IrregularSamples found = IrregularSamples.NONE;
        while (samples.hasNext()) {
            found = found.with(slots(samples.next()), rule);
        }
        return List.of(JavaSerde.bytes(found)).iterator();
    }

    private static SampleSlots slots(byte[] bytes) {
        return JavaSerde.value(bytes, SampleSlots.class);
    }
}
