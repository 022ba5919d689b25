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
 * A sample holds every slot, all with the same number of tokens. Slots with different sliding windows may differ.
 *
 * @param windows the slots of the corpus, each with the sliding window of its layer; 0 for none
 */
record CoverageRule(TreeMap<Slot, Integer> windows) implements IrregularSamples.Rule {
    private static final int NAMED = 3;
    private static final String AGAIN = "capture this sample again, or leave it out";

    /** The end of a remedy, for layers with different numbers of tokens. */
    static final String SLIDING =
            ". If the layer has a sliding window, name the model's config.json with --model-config,"
                    + " or say hybrid: true under kvscale";

    @Override
    public @Nullable DataProblem judge(SampleSlots sample) {
        Map<Integer, Long> usual = new TreeMap<>();
        windows.values().forEach(window -> usual.computeIfAbsent(window, w -> usual(sample, w)));
        List<Slot> absent = new ArrayList<>();
        List<Slot> odd = new ArrayList<>();
        windows.forEach((slot, window) -> {
            if (sample.tokens(slot) == 0) {
                absent.add(slot);
            } else if (sample.tokens(slot) != usual.getOrDefault(window, 0L)) {
                odd.add(slot);
            }
        });
        if (!absent.isEmpty()) {
            return sample.problem(absent.get(0), "this sample lacks " + listed(absent), AGAIN);
        } else if (odd.isEmpty()) {
            return null;
        }
        Slot first = odd.get(0);
        return sample.problem(
                first,
                "this sample holds " + sample.tokens(first) + " tokens of " + first + ", but "
                        + usual.getOrDefault(windows.getOrDefault(first, 0), 0L) + " of most slots"
                        + (odd.size() == 1 ? "" : "; " + (odd.size() - 1) + " more differ"),
                AGAIN + SLIDING);
    }

    /** The number of tokens that most slots of a window hold; the larger of two that are as common. */
    private long usual(SampleSlots sample, int window) {
        Map<Long, Long> slotsByTokens = windows.entrySet().stream()
                .filter(entry -> entry.getValue() == window)
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
