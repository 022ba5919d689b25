package io.kvscale.evaluation;

import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The scores of many samples with a quantized cache.
 *
 * @param negativeLogLikelihood sum of -log p(next token), in nats
 * @param divergence sum of KL(full-precision || quantized), in nats
 * @param topTokenMatches number of predictions with the most probable token of the full-precision cache
 * @param errors the quantization error of each quantized slot
 */
public record SchemeSums(
        ExactSum negativeLogLikelihood, ExactSum divergence, long topTokenMatches, SortedMap<Slot, ErrorSums> errors)
        implements Serializable {

    /** Exact sums of {@link SquareSums}. */
    record ErrorSums(ExactSum signal, ExactSum noise) implements Serializable {
        ErrorSums plus(ErrorSums other) {
            return new ErrorSums(signal.plus(other.signal), noise.plus(other.noise));
        }
    }

    static SchemeSums of(SchemeScore score) {
        SortedMap<Slot, ErrorSums> errors = new TreeMap<>();
        score.errors()
                .forEach((slot, sums) ->
                        errors.put(slot, new ErrorSums(ExactSum.of(sums.signal()), ExactSum.of(sums.noise()))));
        return new SchemeSums(
                ExactSum.of(score.negativeLogLikelihood()),
                ExactSum.of(score.divergence()),
                score.topTokenMatches(),
                errors);
    }

    SchemeSums merge(SchemeSums other) {
        SortedMap<Slot, ErrorSums> merged = new TreeMap<>(errors);
        other.errors.forEach((slot, sums) -> merged.merge(slot, sums, ErrorSums::plus));
        return new SchemeSums(
                negativeLogLikelihood.plus(other.negativeLogLikelihood),
                divergence.plus(other.divergence),
                topTokenMatches + other.topTokenMatches,
                merged);
    }

    /** Mean of -log p(next token) over so many tokens, in nats. */
    public double meanNegativeLogLikelihood(long predicted) {
        return negativeLogLikelihood.value() / predicted;
    }

    /** Mean of KL(full-precision || quantized) over so many tokens, in nats. */
    public double meanDivergence(long predicted) {
        return divergence.value() / predicted;
    }

    /** Signal-to-noise ratio of each quantized slot in dB; infinite without noise. */
    public SortedMap<Slot, Double> sqnrDb() {
        SortedMap<Slot, Double> sqnr = new TreeMap<>();
        errors.forEach(
                (slot, sums) -> sqnr.put(slot, new SquareSums(sums.signal.value(), sums.noise.value()).sqnrDb()));
        return sqnr;
    }
}
