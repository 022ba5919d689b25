package io.kvscale.job.evaluation;

import io.kvscale.evaluation.SchemeSums;
import io.kvscale.tensor.Slot;
import java.util.Collections;
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

    /** @param predicted the number of predicted tokens, not 0 */
    static SchemeQuality of(NamedScales scales, SchemeSums sums, long predicted) {
        return new SchemeQuality(
                scales,
                Evaluation.perplexity(sums.meanNegativeLogLikelihood(predicted)),
                sums.meanDivergence(predicted),
                (double) sums.topTokenMatches() / predicted,
                sums.sqnrDb());
    }
}
