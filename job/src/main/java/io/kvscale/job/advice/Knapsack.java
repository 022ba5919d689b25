package io.kvscale.job.advice;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The multiple-choice knapsack, solved exactly: one item of each group, the least sum of noise whose costs do not exceed a
 * capacity.
 *
 * <p>Dynamic programming over groups. After each group only those partial choices are kept that no other beats: of equal or
 * lower cost with equal or less noise. Whatever follows adds the same to both, and sums of f64 in one order never change the
 * order of two numbers, so a partial choice that is beaten is part of no better solution: the result is the best of all
 * combinations, as sums in the order of the groups see it. Costs are few: of n slots of one size in 4, 8 or 16 bits there are
 * at most 3n + 1 different sums, so 100 layers take milliseconds; sizes that differ multiply that by no more than the
 * number of their combinations.
 *
 * <p>Of equally good solutions the cheapest wins; of those, the one with the earlier item where the last groups differ.
 */
final class Knapsack {
    private Knapsack() {}

    /** What one item costs, and the noise that it adds. */
    record Item(long cost, double noise) {}

    /** Items chosen from the groups so far: the last of them, and those before it. */
    private record Partial(
            long cost, double noise, int item, @Nullable Partial before) {}

    private static final Comparator<Partial> CHEAPEST_THEN_QUIETEST = Comparator.comparingLong(Partial::cost)
            .thenComparingDouble(Partial::noise)
            .thenComparingInt(Partial::item);

    /**
     * The place in its group of each item chosen.
     *
     * @param groups none empty; noise is at least 0, or infinite
     * @throws IllegalArgumentException if the cheapest items of all groups exceed the capacity
     */
    static int[] solve(List<List<Item>> groups, long capacity) {
        List<Partial> best = List.of(new Partial(0, 0, -1, null));
        for (List<Item> group : groups) {
            best = unbeaten(best, group, capacity);
        }
        if (best.isEmpty()) {
            throw new IllegalArgumentException("capacity " + capacity + " is too small for any choice");
        }
        int[] chosen = new int[groups.size()];
        Partial last = best.get(best.size() - 1);
        for (int i = chosen.length - 1; last != null && i >= 0; i--) {
            chosen[i] = last.item();
            last = last.before();
        }
        return chosen;
    }

    /** By cost, ascending; noise descends. */
    private static List<Partial> unbeaten(List<Partial> before, List<Item> group, long capacity) {
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
        all.sort(CHEAPEST_THEN_QUIETEST);
        List<Partial> kept = new ArrayList<>();
        for (Partial partial : all) {
            if (kept.isEmpty() || partial.noise() < kept.get(kept.size() - 1).noise()) {
                kept.add(partial);
            }
        }
        return kept;
    }
}
