package io.kvscale.job.evaluation;

import io.kvscale.evaluation.SampleScore;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Sample;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How well a model predicts text with the full-precision cache and with quantized ones.
 *
 * @param settings how it was run
 * @param tokens of all samples
 * @param predicted of these all but the first of each sample
 * @param perplexity exp of the mean of -log p(next token), with the full-precision cache
 * @param schemes in the order in which they were given
 */
public record Evaluation(
        Settings settings, long samples, long tokens, long predicted, double perplexity, List<SchemeQuality> schemes) {

    /**
     * What every sample is run with.
     *
     * @param chunk tokens of a chunk: a chunk attends to itself in full precision
     * @param residualLength how many of the newest tokens before it are in full precision too
     */
    public record Settings(int chunk, int residualLength) {
        /** Whether any prediction of a text of so many tokens, behind all but its last, attends to a quantized one. */
        boolean attends(long tokens) {
            return tokens > 1 && (tokens - 2) / chunk * chunk > residualLength;
        }
    }

    public Evaluation {
        schemes = List.copyOf(schemes);
    }

    /**
     * Sums the samples in the order of their names: the same bits whatever the order in which they come.
     *
     * @throws InvalidDataException if no token was predicted, or none attended to a quantized past
     */
    static Evaluation of(Collection<SampleScore> scores, List<NamedScales> scales, Settings settings) {
        List<SampleScore> ordered = scores.stream()
                .sorted(Comparator.comparing(SampleScore::sample, Sample::compareUtf8))
                .toList();
        long predicted = ordered.stream().mapToLong(SampleScore::predicted).sum();
        if (predicted == 0) {
            throw new InvalidDataException(DataProblem.of(
                    "no text has a second token to predict", "name longer texts with --text, or another file"));
        }
        if (ordered.stream().noneMatch(score -> settings.attends(score.tokens()))) {
            String residual =
                    settings.residualLength == 0 ? "" : " and residual_length (" + settings.residualLength + ")";
            throw new InvalidDataException(DataProblem.of(
                    "no text is long enough for --chunk (" + settings.chunk + ")" + residual
                            + ": no prediction attends to quantized tokens, so nothing is measured",
                    "use longer texts or a smaller --chunk" + (residual.isEmpty() ? "" : " or residual_length")));
        }
        double negativeLogLikelihood = 0;
        for (SampleScore score : ordered) {
            negativeLogLikelihood += score.negativeLogLikelihood();
        }
        return new Evaluation(
                settings,
                ordered.size(),
                ordered.stream().mapToLong(SampleScore::tokens).sum(),
                predicted,
                perplexity(negativeLogLikelihood, predicted),
                IntStream.range(0, scales.size())
                        .mapToObj(i -> SchemeQuality.of(scales.get(i), ordered, i, predicted))
                        .toList());
    }

    /** JSON has no infinity: the greatest double stands for it. */
    static double perplexity(double negativeLogLikelihood, long predicted) {
        return Math.min(StrictMath.exp(negativeLogLikelihood / predicted), Double.MAX_VALUE);
    }

    /** {@code evaluation.json}: UTF-8, the same bytes for the same evaluation on every JDK. */
    public byte[] toJson() {
        return EvaluationJson.of(this);
    }
}
