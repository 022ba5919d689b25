package io.kvscale.job.calibration;

import io.kvscale.task.SampleSlots;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A sample holds every slot, and as many tokens of each slot of a group. A layer with a window holds as many as a layer
 * without one, or the last of them.
 *
 * @param groups the slots of the corpus, each with its group: the layer if hybrid, else its window, 0 without one
 * @param hybrid samples may lack layers, but not only K or only V of one
 * @param modelKnown whether the groups come from a model's config.json
 * @param lengths whether to judge the numbers of tokens of samples that lack nothing, instead of what they lack
 */
record CoverageRule(TreeMap<Slot, Integer> groups, boolean hybrid, boolean modelKnown, boolean lengths)
        implements IrregularSamples.Rule {
    private static final int NAMED = 3;
    private static final String AGAIN = "capture this sample again, or leave it out";
    private static final String OTHER_CONFIG =
            "capture this sample again, leave it out, or give the config.json of the model that was captured";

    /** The end of a remedy, for layers with different numbers of tokens. */
    static String sliding(boolean modelKnown) {
        return ". If the layer has a sliding window, "
                + (modelKnown
                        ? "give the config.json of the model that was captured"
                        : "name the model's config.json with --model-config")
                + ", or say hybrid: true under kvscale";
    }

    @Override
    public @Nullable DataProblem judge(SampleSlots sample) {
        List<Slot> absent =
                groups.keySet().stream().filter(slot -> isAbsent(sample, slot)).toList();
        if (!absent.isEmpty()) {
            return lengths ? null : sample.problem(absent.get(0), "this sample lacks " + listed(absent), AGAIN);
        }
        return lengths ? uneven(sample) : null;
    }

    private boolean isAbsent(SampleSlots sample, Slot slot) {
        Slot other = slot.partner();
        return sample.tokens(slot) == 0 && (!hybrid || sample.tokens(other) > 0);
    }

    private @Nullable DataProblem uneven(SampleSlots sample) {
        Map<Integer, Long> usual = new TreeMap<>();
        groups.values().forEach(group -> usual.computeIfAbsent(group, g -> usual(sample, g)));
        List<Slot> odd = new ArrayList<>();
        groups.forEach((slot, group) -> {
            if (sample.tokens(slot) != usual.getOrDefault(group, 0L)) {
                odd.add(slot);
            }
        });
        if (odd.isEmpty()) {
            return hybrid ? null : beyondWindow(sample);
        }
        Slot first = odd.get(0);
        return sample.problem(
                first,
                "this sample holds " + sample.tokens(first) + " tokens of " + first + ", but "
                        + usual.getOrDefault(groups.getOrDefault(first, 0), 0L)
                        + (hybrid ? " of the other role" : " of most slots")
                        + (odd.size() == 1 ? "" : "; " + (odd.size() - 1) + " more differ"),
                hybrid ? AGAIN : AGAIN + sliding(modelKnown));
    }

    /**
     * The problem of layers that differ more than their windows explain. A cache keeps as many tokens as the window, or one
     * less, as transformers does, or more: all of them, or whole blocks.
     */
    private @Nullable DataProblem beyondWindow(SampleSlots sample) {
        Slot full = groups.keySet().stream()
                .filter(slot -> window(slot) == 0)
                .findFirst()
                .orElse(null);
        if (full == null) {
            return null;
        }
        long all = sample.tokens(full);
        for (Slot slot : groups.keySet()) {
            long held = sample.tokens(slot);
            String differ = "this sample holds " + all + " tokens of " + full + ", which has no window, but " + held
                    + " of " + slot;
            if (held > all) {
                return sample.problem(full, differ, OTHER_CONFIG);
            } else if (held < Math.min(all, window(slot) - 1)) {
                return sample.problem(slot, differ + ", whose window is " + window(slot), OTHER_CONFIG);
            }
        }
        return null;
    }

    private int window(Slot slot) {
        return groups.getOrDefault(slot, 0);
    }

    /** The number of tokens that most slots of a group hold; the larger of two that are as common. */
    private long usual(SampleSlots sample, int group) {
        Map<Long, Long> slotsByTokens = groups.entrySet().stream()
                .filter(entry -> entry.getValue() == group)
                .map(entry -> sample.tokens(entry.getKey()))
                .filter(tokens -> tokens > 0)
                .collect(Collectors.groupingBy(tokens -> tokens, TreeMap::new, Collectors.counting()));
        return slotsByTokens.entrySet().stream()
                .max(Comparator.comparing(Map.Entry<Long, Long>::getValue).thenComparing(Map.Entry::getKey))
                .map(Map.Entry::getKey)
                .orElse(0L);
    }

    private static String listed(List<Slot> slots) {
        String names = slots.stream().limit(NAMED).map(Slot::toString).collect(Collectors.joining(", "));
        return slots.size() <= NAMED ? names : names + " and " + (slots.size() - NAMED) + " other slots";
    }
}
