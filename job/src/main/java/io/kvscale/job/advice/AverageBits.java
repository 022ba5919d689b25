package io.kvscale.job.advice;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.numeric.NumberFormat;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Minimizes the sum over slots of noise to signal, with a limit on the average number of bits per value.
 *
 * <p>The average is over the values that one token adds to the cache, so a slot has the weight heads x head_dim. For each
 * number of bits a slot uses its format with the least noise. That leaves few choices per layer: 4 or 8 bits for K and for
 * V, or 16 for both. {@link Knapsack} finds the best combination.
 *
 * @param bits maximum average, above 0 and at most 16
 */
public record AverageBits(BigDecimal bits) implements AdviceGoal {
    /** @throws InvalidOptionException for a number of bits out of range */
    public AverageBits {
        if (bits.signum() <= 0 || bits.compareTo(BigDecimal.valueOf(Candidate.UNQUANTIZED_BITS)) > 0) {
            throw new InvalidOptionException(
                    "--bits " + bits + " is not a possible average number of bits per value",
                    "use a number from 4 (all values in 4 bits) to 16 (nothing quantized)");
        }
    }

    @Override
    public void check(List<NumberFormat> formats) {
        int least = formats.stream().mapToInt(NumberFormat::bits).min().orElseThrow();
        if (bits.compareTo(BigDecimal.valueOf(least)) < 0) {
            throw new InvalidOptionException(
                    "an average of " + bits + " bits is not possible: the smallest format has " + least,
                    "use --bits " + least + " or more" + (least > 4 ? ", or allow formats of 4 bits" : ""));
        }
    }

    @Override
    public List<List<Candidate>> choose(List<List<SlotCandidates>> layers, boolean maySkip) {
        List<List<List<Candidate>>> choices =
                layers.stream().map(layer -> choices(layer, maySkip)).toList();
        List<List<Knapsack.Item>> items = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            List<SlotCandidates> layer = layers.get(i);
            items.add(choices.get(i).stream().map(choice -> item(layer, choice)).toList());
        }
        int[] chosen = Knapsack.solve(items, capacity(layers));
        List<List<Candidate>> result = new ArrayList<>();
        for (int i = 0; i < chosen.length; i++) {
            result.add(choices.get(i).get(chosen[i]));
        }
        return result;
    }

    private long capacity(List<List<SlotCandidates>> layers) {
        long values = layers.stream()
                .flatMap(List::stream)
                .mapToLong(SlotCandidates::valuesPerToken)
                .sum();
        return bits.multiply(BigDecimal.valueOf(values))
                .setScale(0, RoundingMode.FLOOR)
                .longValueExact();
    }

    /** The choices for a layer: every combination of bits for its slots, and perhaps the unquantized layer. */
    private static List<List<Candidate>> choices(List<SlotCandidates> layer, boolean maySkip) {
        List<List<Candidate>> choices = List.of(List.of());
        for (SlotCandidates slot : layer) {
            List<List<Candidate>> longer = new ArrayList<>();
            for (List<Candidate> before : choices) {
                for (int width : slot.bits()) {
                    List<Candidate> choice = new ArrayList<>(before);
                    choice.add(slot.best(width).orElseThrow());
                    longer.add(choice);
                }
            }
            choices = longer;
        }
        List<List<Candidate>> all = new ArrayList<>(choices);
        if (maySkip) {
            all.add(AdviceGoal.unquantized(layer));
        }
        return all;
    }

    private static Knapsack.Item item(List<SlotCandidates> layer, List<Candidate> choice) {
        long cost = 0;
        double noise = 0;
        for (int i = 0; i < choice.size(); i++) {
            cost += (long) layer.get(i).valuesPerToken() * choice.get(i).bits();
            noise += choice.get(i).noiseToSignal();
        }
        return new Knapsack.Item(cost, noise);
    }

    @Override
    public Comparator<Advice> order() {
        return Comparator.comparingDouble(Advice::noiseToSignal).thenComparingDouble(Advice::averageBits);
    }

    @Override
    public String option() {
        return "--bits " + bits.toPlainString();
    }
}
