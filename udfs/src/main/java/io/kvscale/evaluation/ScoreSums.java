package io.kvscale.evaluation;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * The scores of many samples, in memory that does not grow with their number. A commutative monoid: sums are exact, so
 * results have the same bits for any order and any partitioning.
 *
 * @param tokens the number of tokens of all samples
 * @param predicted the number of predicted tokens of all samples
 * @param longest the number of tokens of the longest sample
 * @param negativeLogLikelihood sum of -log p(next token) with the full-precision cache, in nats
 * @param schemes the sums of each quantized cache, in the order given; empty without samples
 */
public record ScoreSums(
        long samples,
        long tokens,
        long predicted,
        long longest,
        ExactSum negativeLogLikelihood,
        List<SchemeSums> schemes)
        implements Serializable {
    /** The sums of no samples. */
    public static final ScoreSums NONE = new ScoreSums(0, 0, 0, 0, ExactSum.ZERO, List.of());

    public ScoreSums {
        schemes = new ArrayList<>(schemes);
    }

    /** The sums of one sample. */
    public static ScoreSums of(SampleScore score) {
        return new ScoreSums(
                1,
                score.tokens(),
                score.predicted(),
                score.tokens(),
                ExactSum.of(score.negativeLogLikelihood()),
                score.schemes().stream().map(SchemeSums::of).toList());
    }

    /** The sums of the samples of both, which have the same schemes. */
    public ScoreSums merge(ScoreSums other) {
        if (samples == 0 || other.samples == 0) {
            return samples == 0 ? other : this;
        }
        List<SchemeSums> merged = new ArrayList<>();
        for (int i = 0; i < schemes.size(); i++) {
            merged.add(schemes.get(i).merge(other.schemes.get(i)));
        }
        return new ScoreSums(
                samples + other.samples,
                tokens + other.tokens,
                predicted + other.predicted,
                Math.max(longest, other.longest),
                negativeLogLikelihood.plus(other.negativeLogLikelihood),
                merged);
    }

    /** Mean of -log p(next token) with the full-precision cache, in nats; only if a token was predicted. */
    public double meanNegativeLogLikelihood() {
        return negativeLogLikelihood.value() / predicted;
    }
}
