package io.kvscale.quant;

import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Compares the token counts of slots. They are the only trace of one short file among thousands. Layers with a sliding
 * window may have fewer than others, because the cache drops the tokens before the window. Queries are not cached: all layers
 * have those of all tokens.
 *
 * @param slots K and V
 */
record TokenCounts(
        SortedMap<Slot, SlotStatistics> slots, SortedMap<Slot, SlotStatistics> queries, Tolerances tolerances) {
    private static final String LACKS =
            "a capture lacks a part of this layer: 'kvscale calibrate --dry-run' on the captures names it";

    static TokenCounts of(SortedMap<Slot, SlotStatistics> slots, Tolerances tolerances) {
        SortedMap<Slot, SlotStatistics> cached = Slot.cached(slots);
        SortedMap<Slot, SlotStatistics> queries = new TreeMap<>(slots);
        queries.keySet().removeAll(cached.keySet());
        return new TokenCounts(cached, queries, tolerances);
    }

    /** Adds a problem if counts differ where they must not. */
    void check(List<DataProblem> problems) {
        checkPairs(problems);
        checkQueries(problems);
        if (problems.isEmpty() && !tolerances.hybrid()) {
            long most = most();
            slots.entrySet().stream()
                    .collect(Collectors.groupingBy(
                            entry -> window(entry.getKey(), most),
                            TreeMap::new,
                            Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, TreeMap::new)))
                    .values()
                    .forEach(alike -> checkAlike(alike, problems));
            checkAlike(queries, problems);
            checkFull(most, problems);
        }
    }

    /** A layer with full attention has as many tokens as any other. */
    private void checkFull(long most, List<DataProblem> problems) {
        slots.entrySet().stream()
                .filter(entry -> entry.getValue().tokens() < most && window(entry.getKey(), most) == 0)
                .findFirst()
                .filter(odd -> problems.isEmpty())
                .ifPresent(odd -> problems.add(problem(
                        odd.getKey(),
                        odd.getValue().tokens() + " tokens, but other layers have " + most
                                + ", and config.json says no window below that for this layer",
                        "give the config.json of the model that was captured, or capture all tokens of the layer")));
    }

    private long most() {
        return slots.values().stream().mapToLong(SlotStatistics::tokens).max().orElse(0);
    }

    /** Layers that hold fewer tokens than others because of their windows; null if there are none. */
    @Nullable
    String windows() {
        long most = most();
        Map<Long, List<Integer>> fewer = new TreeMap<>();
        slots.forEach((slot, seen) -> {
            if (seen.tokens() < most && slot.role() == Role.KEY) {
                fewer.computeIfAbsent(seen.tokens(), tokens -> new ArrayList<>())
                        .add(slot.layer());
            }
        });
        if (fewer.isEmpty()) {
            return null;
        }
        return fewer.entrySet().stream()
                        .map(entry -> LayerRanges.of(entry.getValue())
                                + (entry.getValue().size() == 1 ? " holds " : " hold ") + entry.getKey() + " of " + most
                                + " tokens")
                        .collect(Collectors.joining("; "))
                + ": the cache of a sliding window keeps only the last tokens of each sample, so their scales come from"
                + " fewer values";
    }

    /** The window of a layer; 0 if it drops none of so many tokens, or is not known. */
    private int window(Slot slot, long most) {
        @Nullable ModelConfig model = tolerances.model();
        @Nullable LayerCache cache = model == null ? null : model.layer(slot.layer());
        return cache == null || cache.window() >= most ? 0 : cache.window();
    }

    private void checkPairs(List<DataProblem> problems) {
        for (Slot slot : slots.keySet()) {
            SlotStatistics keys = slots.get(new Slot(slot.layer(), Role.KEY));
            SlotStatistics values = slots.get(new Slot(slot.layer(), Role.VALUE));
            if (keys != null && values != null && keys.tokens() != values.tokens()) {
                problems.add(problem(slot, keys.tokens() + " tokens of key, " + values.tokens() + " of value", LACKS));
                return;
            }
        }
    }

    private void checkQueries(List<DataProblem> problems) {
        queries.forEach((slot, seen) -> {
            SlotStatistics keys = slots.get(slot.partner());
            if (keys != null && seen.tokens() < keys.tokens() && problems.isEmpty()) {
                problems.add(problem(slot, keys.tokens() + " tokens of key, " + seen.tokens() + " of query", LACKS));
            }
        });
    }

    private void checkAlike(SortedMap<Slot, SlotStatistics> alike, List<DataProblem> problems) {
        Map<Long, List<Slot>> byTokens = new TreeMap<>();
        alike.forEach((slot, seen) ->
                byTokens.computeIfAbsent(seen.tokens(), t -> new ArrayList<>()).add(slot));
        if (byTokens.size() < 2 || !problems.isEmpty()) {
            return;
        }
        Map.Entry<Long, List<Slot>> common = byTokens.entrySet().stream()
                .max(Map.Entry.comparingByValue((a, b) -> Integer.compare(a.size(), b.size())))
                .orElseThrow();
        alike.entrySet().stream()
                .filter(entry -> entry.getValue().tokens() != common.getKey())
                .findFirst()
                .ifPresent(odd -> problems.add(problem(
                        odd.getKey(),
                        odd.getValue().tokens() + " tokens, but "
                                + common.getValue().get(0) + " and "
                                + (common.getValue().size() - 1) + " others have " + common.getKey(),
                        LACKS
                                + ". If the layer has a sliding window, name the model's config.json with"
                                + " --model-config, or say hybrid: true under kvscale")));
    }

    /** Names no file: the statistics know the first file that holds a slot, but not the one that lacks a part of it. */
    private static DataProblem problem(Slot slot, String what, String remedy) {
        return DataProblem.of(what, remedy).inSlot(slot);
    }
}
