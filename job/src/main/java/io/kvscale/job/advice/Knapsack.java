package io.kvscale.job.advice;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An exact solver of the multiple-choice knapsack problem: choose one item of each group so that the sum of noise is
 * minimal and the sum of costs does not exceed a capacity.
 *
 * <p>Dynamic programming over groups. After each group, a partial choice is dropped if another one has at most its cost and
 * at most its noise. This is safe: both partial choices would be extended by equal items, and f64 addition is monotonic.
 * The result is therefore optimal for sums in the order of the groups.
 *
 * <p>Few partial choices remain, because few sums of costs are possible: at most 3n + 1 for n slots of one size in 4, 8 or
 * 16 bits. 100 layers take milliseconds. Slots of different sizes multiply the number of sums.
 *
 * <p>Among solutions with equal noise the cheapest is chosen, then the one with the earlier item in the last group.
 */
final class Knapsack {
    private Knapsack() {}

    /** An item of a group. */
    record Item(long cost, double noise) {}

    /** Items chosen from the groups so far, as a linked list from the last. */
    private record Partial(
            long cost, double noise, int item, @Nullable Partial before) {}

    private static final Comparator<Partial> BY_COST_THEN_NOISE = Comparator.comparingLong(Partial::cost)
            .thenComparingDouble(Partial::noise)
            .thenComparingInt(Partial::item);

    /**
     * Returns the index of the chosen item in each group.
     *
     * @param groups none is empty; noise is at least 0, or infinite
     * @throws IllegalArgumentException if the cheapest items of all groups exceed the capacity
     */
    static int[] solve(List<List<Item>> groups, long capacity) {
        List<Partial> best = List.of(new Partial(0, 0, -1, null));
        for (List<Item> group : groups) {
            best = extend(best, group, capacity);
        }
        if (best.isEmpty()) {
            throw new IllegalArgumentException("capacity " + capacity + " is below the cost of the cheapest items");
        }
        int[] chosen = new int[groups.size()];
        Partial last = best.get(best.size() - 1);
        for (int i = chosen.length - 1; last != null && i >= 0; i--) {
            chosen[i] = last.item();
            last = last.before();
        }
        return chosen;
    }

    /** Extends partial choices by a group. The result has ascending cost and descending noise. */
    private static List<Partial> extend(List<Partial> before, List<Item> group, long capacity) {
        List<Partial> all = new ArrayList<>();
        for (int i = 0; i < group.size(); i++) {
            Item item = group.get(i);
            for (Partial partial : before) {
                long cost = partial.cost() + item.cost();
                if (cost <= capacity) {
                    all.add(new Partial(cost, partial.noise() + item.noise(), i, partial));
                }
            }
        }
        all.sort(BY_COST_THEN_NOISE);
        List<Partial> kept = new ArrayList<>();
        for (Partial partial : all) {
            if (kept.isEmpty() || partial.noise() < kept.get(kept.size() - 1).noise()) {
                kept.add(partial);
            }
        }
        return kept;
    }
}
