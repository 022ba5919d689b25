package io.kvscale.job.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.tensor.Role;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AdviceGoalTest {
    private static List<String> names(List<List<Candidate>> chosen) {
        return chosen.stream().flatMap(List::stream).map(Candidate::name).toList();
    }

    private static double noise(List<List<Candidate>> chosen) {
        return chosen.stream()
                .flatMap(List::stream)
                .mapToDouble(Candidate::noiseToSignal)
                .sum();
    }

    private static double averageBits(List<List<SlotCandidates>> layers, List<List<Candidate>> chosen) {
        long bits = 0;
        long values = 0;
        for (int i = 0; i < layers.size(); i++) {
            for (int j = 0; j < layers.get(i).size(); j++) {
                int weight = layers.get(i).get(j).valuesPerToken();
                bits += (long) weight * chosen.get(i).get(j).bits();
                values += weight;
            }
        }
        return (double) bits / values;
    }

    /** All choices that a recipe can express: any format for each slot of a layer, or an unquantized layer. */
    private static List<List<List<Candidate>>> allChoices(List<List<SlotCandidates>> layers) {
        List<List<List<Candidate>>> all = List.of(List.of());
        for (List<SlotCandidates> layer : layers) {
            List<List<Candidate>> choices = new ArrayList<>();
            for (Candidate key : layer.get(0).quantized()) {
                if (layer.size() == 1) {
                    choices.add(List.of(key));
                } else {
                    layer.get(1).quantized().forEach(value -> choices.add(List.of(key, value)));
                }
            }
            choices.add(layer.stream().map(SlotCandidates::unquantized).toList());
            all = all.stream()
                    .flatMap(before -> choices.stream()
                            .map(choice -> Stream.concat(before.stream(), Stream.of(choice))
                                    .toList()))
                    .toList();
        }
        return all;
    }

    @Test
    void averageBitsHasTheLeastNoiseOfAllChoices() {
        SplittableRandom random = new SplittableRandom(7);
        for (int round = 0; round < 60; round++) {
            List<List<SlotCandidates>> layers =
                    TestSlots.layers(1 + random.nextInt(2) + (round % 15 == 0 ? 1 : 0), random);
            BigDecimal bits = BigDecimal.valueOf(16 + random.nextInt(49), 0).divide(BigDecimal.valueOf(4));
            List<List<Candidate>> chosen = new AverageBits(bits).choose(layers, true);
            double least = allChoices(layers).stream()
                    .filter(choice -> averageBits(layers, choice) <= bits.doubleValue())
                    .mapToDouble(AdviceGoalTest::noise)
                    .min()
                    .orElseThrow();
            assertThat(averageBits(layers, chosen)).isLessThanOrEqualTo(bits.doubleValue());
            assertThat(noise(chosen)).as("round %s", round).isEqualTo(least);
        }
    }

    @Test
    void aLargeSlotWeighsMoreThanASmallOne() {
        Candidate int4 = TestSlots.candidate(NumberFormat.INT4, 0.25);
        Candidate int8 = TestSlots.candidate(NumberFormat.INT8, 0);
        // The sizes are 3:1. The average is 5 bits if only the small slot has 8 bits, and 7 if only the large one has.
        List<List<SlotCandidates>> layers = List.of(
                List.of(TestSlots.slot(0, Role.KEY, 96, int8, int4)),
                List.of(TestSlots.slot(1, Role.KEY, 32, int8, int4)));
        assertThat(names(new AverageBits(new BigDecimal("6.9")).choose(layers, true)))
                .containsExactly("int4", "int8");
        assertThat(names(new AverageBits(new BigDecimal("5")).choose(layers, true)))
                .containsExactly("int4", "int8");
        assertThat(names(new AverageBits(new BigDecimal("4.99")).choose(layers, true)))
                .containsExactly("int4", "int4");
        assertThat(names(new AverageBits(new BigDecimal("8")).choose(layers, true)))
                .containsExactly("int8", "int8");
    }

    @Test
    void minSqnrTakesTheFewestBitsThenTheHighestSqnrThenTheFirst() {
        SlotCandidates slot = TestSlots.slot(
                0,
                Role.KEY,
                64,
                TestSlots.candidate(NumberFormat.FP8_E4M3, 0.001),
                TestSlots.candidate(NumberFormat.FP8_E5M2, 0.01),
                TestSlots.candidate(NumberFormat.INT8, 0.001),
                TestSlots.candidate(NumberFormat.INT4, 0.1),
                TestSlots.candidate(NumberFormat.FP4_E2M1, 0.05));
        List<List<SlotCandidates>> layers = List.of(List.of(slot));
        assertThat(names(new MinSqnr(new BigDecimal("10")).choose(layers, true)))
                .containsExactly("fp4_e2m1");
        assertThat(names(new MinSqnr(new BigDecimal("14")).choose(layers, true)))
                .containsExactly("fp8_e4m3");
        assertThat(names(new MinSqnr(new BigDecimal("30")).choose(layers, true)))
                .containsExactly("fp8_e4m3");
        assertThat(names(new MinSqnr(new BigDecimal("30.001")).choose(layers, true)))
                .containsExactly("unquantized");
    }

    @Test
    void aLayerStaysUnquantizedIfKeyOrValueHasNoFormat() {
        Candidate good = TestSlots.candidate(NumberFormat.INT8, 0.001);
        Candidate bad = TestSlots.candidate(NumberFormat.INT8, 0.5);
        List<List<SlotCandidates>> layers = List.of(
                List.of(TestSlots.slot(0, Role.KEY, 64, bad), TestSlots.slot(0, Role.VALUE, 64, good)),
                List.of(TestSlots.slot(1, Role.KEY, 64, good), TestSlots.slot(1, Role.VALUE, 64, bad)),
                List.of(TestSlots.slot(2, Role.KEY, 64, good), TestSlots.slot(2, Role.VALUE, 64, good)));
        assertThat(names(new MinSqnr(new BigDecimal("20")).choose(layers, true)))
                .containsExactly("unquantized", "unquantized", "unquantized", "unquantized", "int8", "int8");
    }

    @Test
    void impossibleGoalsAreRejectedWithTheRemedy() {
        assertThatThrownBy(() -> new AverageBits(new BigDecimal("3.99")).check(Advisor.FORMATS))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContainingAll("3.99", "--bits 4 or more");
        assertThatThrownBy(() -> new AverageBits(new BigDecimal("7")).check(List.of(NumberFormat.FP8_E4M3)))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContainingAll("7", "--bits 8 or more", "formats of 4 bits");
        assertThatThrownBy(() -> new AverageBits(BigDecimal.ZERO)).isInstanceOf(InvalidOptionException.class);
        assertThatThrownBy(() -> new AverageBits(new BigDecimal("16.01"))).isInstanceOf(InvalidOptionException.class);
        assertThatThrownBy(() -> new MinSqnr(new BigDecimal("-1"))).isInstanceOf(InvalidOptionException.class);
    }
}
