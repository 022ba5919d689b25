package io.kvscale.job.evaluation;

import io.kvscale.evaluation.Attention;
import io.kvscale.evaluation.ScoreSums;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * How well a model predicts texts with the full-precision cache and with quantized caches.
 *
 * @param attention what tokens attended to
 * @param tokens the number of tokens of all samples
 * @param predicted the number of predicted tokens: all but the first of each sample
 * @param perplexity exp of the mean -log p(next token), with the full-precision cache
 * @param schemes the quality of each scale table, in the order given
 * @param subject the model and the texts; null if not known
 */
public record Evaluation(
        Attention attention,
        long samples,
        long tokens,
        long predicted,
        double perplexity,
        List<SchemeQuality> schemes,
        @Nullable EvaluationSubject subject) {

    public Evaluation {
        schemes = List.copyOf(schemes);
    }

    /**
     * The means of scores.
     *
     * @throws InvalidDataException if no token was predicted, or no prediction attended to a quantized token
     */
    static Evaluation of(ScoreSums sums, List<NamedScales> scales, Attention attention) {
        long predicted = sums.predicted();
        if (predicted == 0) {
            throw new InvalidDataException(
                    DataProblem.of("no text has a second token to predict", "give longer texts with --text"));
        }
        if (!attention.reaches(sums.longest())) {
            String residual =
                    attention.residualLength() == 0 ? "" : " and residual_length (" + attention.residualLength() + ")";
            throw new InvalidDataException(DataProblem.of(
                    "no text is long enough for --chunk (" + attention.chunk() + ")" + residual
                            + ": no prediction attends to quantized tokens, so nothing is measured",
                    "use longer texts or a smaller --chunk" + (residual.isEmpty() ? "" : " or residual_length")));
        }
        return new Evaluation(
                attention,
                sums.samples(),
                sums.tokens(),
                predicted,
                perplexity(sums.meanNegativeLogLikelihood()),
                IntStream.range(0, scales.size())
                        .mapToObj(i ->
                                SchemeQuality.of(scales.get(i), sums.schemes().get(i), predicted))
                        .toList(),
                null);
    }

    /** This evaluation of a known model and texts. */
    Evaluation of(EvaluationSubject what) {
        return new Evaluation(attention, samples, tokens, predicted, perplexity, schemes, what);
    }

    /** The quality of one scale table as a sentence. */
    public String verdict(SchemeQuality quality) {
        return Verdict.of(perplexity, quality.perplexity(), quality.kl(), quality.top1());
    }

    /**
     * What calibration gains or loses beside scale 1.0, as a sentence; empty if scale 1.0 was not evaluated, or the table has
     * slots in another format than fp8 e4m3, or leaves layers in full precision.
     */
    public Optional<String> againstUnit(SchemeQuality quality) {
        return schemes.stream()
                .filter(one -> one.scales().isUnit() && quality.scales().isComparedWith(one.scales()))
                .findFirst()
                .map(unit -> Verdict.againstUnit(quality, unit));
    }

    /** The layers of the model that a table has no scales for; empty if the model is not known. */
    public List<Integer> withoutScales(SchemeQuality quality) {
        return subject == null ? List.of() : quality.scales().missing(subject.layers());
    }

    /** JSON has no infinity; the greatest double stands for it. */
    static double perplexity(double meanNegativeLogLikelihood) {
        return Math.min(StrictMath.exp(meanNegativeLogLikelihood), Double.MAX_VALUE);
    }

    /** {@code evaluation.json} in UTF-8; the same evaluation gives the same bytes on every JDK. */
    public byte[] toJson() {
        return EvaluationJson.of(this);
    }
}
