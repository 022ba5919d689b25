package io.kvscale.job.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TextPlanTest {
    private static final Observation OBSERVATION = new Observation("range statistics of texts", "0".repeat(64));

    private static KeptBatch batch(int number) {
        return new KeptBatch("k" + number, 1, 100);
    }

    private static List<KeptBatch> batches(int... numbers) {
        return IntStream.of(numbers).mapToObj(TextPlanTest::batch).toList();
    }

    private static KeptGroup group(String name, int... numbers) {
        return new KeptGroup(name, 1, OBSERVATION, List.of(), batches(numbers));
    }

    private static TextPlan plan(List<KeptBatch> planned, KeptGroup... kept) {
        return TextPlan.of(planned, List.of(kept), 0, 4);
    }

    @Test
    void groupsOfChosenTextsAreUsedAndOthersReplaced() {
        KeptGroup whole = group("whole", 1, 2, 3);
        KeptGroup part = group("part", 1, 2);
        KeptGroup broken = group("broken", 5, 6);
        KeptGroup others = group("others", 8, 9);
        TextPlan plan = plan(batches(1, 2, 3, 4, 5), part, whole, broken, others);
        assertThat(plan.reused()).containsExactly(whole);
        assertThat(plan.stale()).containsExactlyInAnyOrder(part, broken);
        // The numbers of k4 and k5.
        assertThat(plan.fresh()).containsExactly(List.of(3, 4));
    }

    @Test
    void groupsHaveAFewThousandTokens() {
        List<KeptBatch> many = batches(IntStream.range(0, 1_000).toArray());
        assertThat(plan(many).fresh())
                .hasSize(13)
                .allSatisfy(group -> assertThat(group).hasSizeLessThanOrEqualTo(81));
        assertThat(plan(many.subList(0, 15)).fresh()).hasSize(1);
        assertThat(plan(many.subList(0, 36)).fresh()).hasSize(3);
        assertThat(TextPlan.of(many.subList(0, 12), List.of(), 6, 4).fresh()).hasSize(6);
        assertThat(plan(List.of(new KeptBatch("a", 1, 9_000), new KeptBatch("b", 1, 9_000)))
                        .fresh())
                .hasSize(2);
        assertThat(plan(List.of()).fresh()).isEmpty();
    }

    @Test
    void everyBatchIsRunOrTakenExactlyOnce() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            List<KeptBatch> planned = new ArrayList<>(batches(
                    random.ints(0, 40).distinct().limit(1 + random.nextInt(30)).toArray()));
            List<KeptGroup> kept = new ArrayList<>();
            for (int i = random.nextInt(12); i > 0; i--) {
                int[] numbers = random.ints(0, 40)
                        .distinct()
                        .limit(1 + random.nextInt(6))
                        .toArray();
                kept.add(group("g" + i, numbers));
            }
            TextPlan plan = TextPlan.of(planned, kept, random.nextInt(5), 4);
            assertThat(Stream.concat(
                            plan.reused().stream().flatMap(group -> group.batches().stream()),
                            plan.fresh().stream().flatMap(List::stream).map(planned::get)))
                    .as("seed %d", seed)
                    .containsExactlyInAnyOrderElementsOf(planned);
            assertThat(plan.fresh()).allSatisfy(group -> assertThat(group).isSorted());
        }
    }
}
