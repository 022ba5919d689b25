package io.kvscale.job.evaluation;

import io.kvscale.evaluation.SampleScore;
import io.kvscale.evaluation.SchemeScore;
import io.kvscale.evaluation.SquareSums;
import io.kvscale.tensor.Slot;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The quality of one scale table.
 *
 * @param kl mean over the predicted tokens of KL(full-precision || quantized), in nats
 * @param top1 share of the predictions whose most probable token is that of the full-precision cache
 * @param sqnrDb signal-to-quantization-noise ratio of the cached K or V, by quantized slot; infinite without noise
 */
public record SchemeQuality(
        NamedScales scales, double perplexity, double kl, double top1, SortedMap<Slot, Double> sqnrDb) {

    public SchemeQuality {
        sqnrDb = Collections.unmodifiableSortedMap(new TreeMap<>(sqnrDb));
    }

    /** @param scores the scores of all samples, in the order in which to sum them */
    static SchemeQuality of(NamedScales scales, List<SampleScore> scores, int scheme, long predicted) {
        double negativeLogLikelihood = 0;
        double divergence = 0;
        long topTokenMatches = 0;
        SortedMap<Slot, SquareSums> errors = new TreeMap<>();
        for (SampleScore sample : scores) {
            SchemeScore score = sample.schemes().get(scheme);
            negativeLogLikelihood += score.negativeLogLikelihood();
            divergence += score.divergence();
            topTokenMatches += score.topTokenMatches();
            score.errors().forEach((slot, sums) -> errors.merge(slot, sums, SquareSums::plus));
        }
        SortedMap<Slot, Double> sqnr = new TreeMap<>();
        errors.forEach((slot, sums) -> sqnr.put(slot, sums.sqnrDb()));
        return new SchemeQuality(
                scales,
                Evaluation.perplexity(negativeLogLikelihood, predicted),
                divergence / predicted,
                (double) topTokenMatches / predicted,
                sqnr);
    }
}
