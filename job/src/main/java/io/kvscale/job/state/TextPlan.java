package io.kvscale.job.state;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Which groups of a state stand for batches of texts, and which batches are left to run.
 *
 * @param reused groups whose batches are all planned, and that do not overlap
 * @param stale other groups with a planned batch: this run runs it in a new group, or takes it from another one
 * @param fresh the rest of the batches as new groups; numbers of batches
 */
public record TextPlan(List<KeptGroup> reused, List<KeptGroup> stale, List<List<Integer>> fresh) {
    /** About 1 GB of K and V of a model with 8 billion parameters. */
    static final long GROUP_TOKENS = 8_192;

    /** Smaller groups are made only where the user asks for so many tasks: each costs a file of its own. */
    private static final long MIN_TOKENS = 1_024;

    /**
     * @param planned in the order in which new groups are cut
     * @param kept groups of one observation, in any order
     * @param partitions about the number of new groups at least; 0: enough for every core
     */
    static TextPlan of(List<KeptBatch> planned, List<KeptGroup> kept, int partitions, int cores) {
        Set<String> all = planned.stream().map(KeptBatch::key).collect(Collectors.toSet());
        Set<String> left = new HashSet<>(all);
        List<KeptGroup> largestFirst = new ArrayList<>(kept);
        largestFirst.sort(Comparator.comparingLong(KeptGroup::tokens).reversed().thenComparing(KeptGroup::file));
        List<KeptGroup> reused = new ArrayList<>();
        List<KeptGroup> stale = new ArrayList<>();
        for (KeptGroup group : largestFirst) {
            List<String> held = group.batches().stream().map(KeptBatch::key).toList();
            if (left.containsAll(held)) {
                held.forEach(left::remove);
                reused.add(group);
            } else if (held.stream().anyMatch(all::contains)) {
                stale.add(group);
            }
        }
        List<Integer> fresh = IntStream.range(0, planned.size())
                .filter(number -> left.contains(planned.get(number).key()))
                .boxed()
                .toList();
        return new TextPlan(reused, stale, cut(fresh, planned, partitions, cores));
    }

    private static List<List<Integer>> cut(List<Integer> fresh, List<KeptBatch> planned, int partitions, int cores) {
        long all =
                fresh.stream().mapToLong(number -> planned.get(number).tokens()).sum();
        long least = Math.max(1, partitions > 0 ? partitions : Math.min(cores, all / MIN_TOKENS));
        long most = Math.min(GROUP_TOKENS, (all + least - 1) / least);
        List<List<Integer>> cut = new ArrayList<>();
        List<Integer> group = new ArrayList<>();
        long tokens = 0;
        for (int number : fresh) {
            long more = planned.get(number).tokens();
            if (!group.isEmpty() && tokens + more > most) {
                cut.add(group);
                group = new ArrayList<>();
                tokens = 0;
            }
            group.add(number);
            tokens += more;
        }
        if (!group.isEmpty()) {
            cut.add(group);
        }
        return cut;
    }
}
