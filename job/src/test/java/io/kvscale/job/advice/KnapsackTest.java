package io.kvscale.job.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Compares the solver with brute force. */
class KnapsackTest {
    private record Sum(long cost, double noise) {}

    private static Sum sum(List<List<Knapsack.Item>> groups, int[] chosen) {
        long cost = 0;
        double noise = 0;
        for (int i = 0; i < chosen.length; i++) {
            cost += groups.get(i).get(chosen[i]).cost();
            noise += groups.get(i).get(chosen[i]).noise();
        }
        return new Sum(cost, noise);
    }

    /** The least noise within the capacity, then the least cost; null if nothing fits. */
    private static Sum bruteForce(List<List<Knapsack.Item>> groups, long capacity) {
        Sum best = null;
        int[] chosen = new int[groups.size()];
        do {
            Sum sum = sum(groups, chosen);
            boolean better = best == null
                    || sum.noise() < best.noise()
                    || (sum.noise() == best.noise() && sum.cost() < best.cost());
            if (sum.cost() <= capacity && better) {
                best = sum;
            }
        } while (next(groups, chosen));
        return best;
    }

    private static boolean next(List<List<Knapsack.Item>> groups, int[] chosen) {
        for (int i = 0; i < chosen.length; i++) {
            if (++chosen[i] < groups.get(i).size()) {
                return true;
            }
            chosen[i] = 0;
        }
        return false;
    }

    private static List<List<Knapsack.Item>> groups(SplittableRandom random, boolean manyTies) {
        List<List<Knapsack.Item>> groups = new ArrayList<>();
        int n = 1 + random.nextInt(6);
        for (int i = 0; i < n; i++) {
            List<Knapsack.Item> group = new ArrayList<>();
            for (int item = 1 + random.nextInt(5); item > 0; item--) {
                double noise = manyTies ? random.nextInt(4) / 4.0 : Math.pow(10, -5 * random.nextDouble());
                group.add(new Knapsack.Item(random.nextInt(manyTies ? 6 : 1_000), noise));
            }
            groups.add(group);
        }
        return groups;
    }

    @Test
    void theResultIsTheBestOfAllCombinations() {
        SplittableRandom random = new SplittableRandom(5);
        int infeasible = 0;
        for (int round = 0; round < 3_000; round++) {
            List<List<Knapsack.Item>> groups = groups(random, round % 2 == 0);
            long maxCost = groups.stream()
                    .mapToLong(group ->
                            group.stream().mapToLong(Knapsack.Item::cost).max().orElseThrow())
                    .sum();
            long capacity = random.nextLong(maxCost + 1);
            Sum expected = bruteForce(groups, capacity);
            if (expected == null) {
                infeasible++;
                assertThatIllegalArgumentException().isThrownBy(() -> Knapsack.solve(groups, capacity));
            } else {
                assertThat(sum(groups, Knapsack.solve(groups, capacity)))
                        .as("round %s", round)
                        .isEqualTo(expected);
            }
        }
        assertThat(infeasible).isBetween(100, 1_500);
    }

    @Test
    void theFirstOfEqualItemsIsChosen() {
        List<Knapsack.Item> same = List.of(new Knapsack.Item(4, 0.5), new Knapsack.Item(4, 0.5));
        assertThat(Knapsack.solve(List.of(same, same, same), 12)).containsExactly(0, 0, 0);
    }

    @Test
    void theWholeCapacityCanBeUsed() {
        List<Knapsack.Item> group = List.of(new Knapsack.Item(4, 1), new Knapsack.Item(8, 0.25));
        assertThat(Knapsack.solve(List.of(group, group), 12)).containsExactlyInAnyOrder(0, 1);
        assertThat(Knapsack.solve(List.of(group, group), 11)).containsExactly(0, 0);
    }

    /** The least noise within the capacity, by dynamic programming over all capacities. */
    private static double table(List<List<Knapsack.Item>> groups, int capacity, long unit) {
        double[] least = new double[capacity + 1];
        for (List<Knapsack.Item> group : groups) {
            double[] next = new double[capacity + 1];
            Arrays.fill(next, Double.POSITIVE_INFINITY);
            for (Knapsack.Item item : group) {
                int cost = Math.toIntExact(item.cost() / unit);
                for (int c = cost; c <= capacity; c++) {
                    next[c] = Math.min(next[c], least[c - cost] + item.noise());
                }
            }
            least = next;
        }
        return least[capacity];
    }

    @Test
    void theResultForManyLayersEqualsThatOfATableOverAllCapacities() {
        SplittableRandom random = new SplittableRandom(6);
        for (double bits : new double[] {4, 4.1, 6, 7.9, 8, 11.3, 16}) {
            List<List<Knapsack.Item>> groups = new ArrayList<>();
            for (int layer = 0; layer < 200; layer++) {
                long size = 64L * (1 + layer % 4);
                groups.add(List.of(
                        new Knapsack.Item(4 * size, random.nextDouble()),
                        new Knapsack.Item(8 * size, random.nextDouble() / 100),
                        new Knapsack.Item(16 * size, 0)));
            }
            long capacity = (long) (bits * 200 * 160);
            Sum sum = sum(groups, Knapsack.solve(groups, capacity));
            assertThat(sum.cost()).isLessThanOrEqualTo(capacity);
            assertThat(sum.noise()).isEqualTo(table(groups, (int) (capacity / 256), 256));
        }
    }
}
