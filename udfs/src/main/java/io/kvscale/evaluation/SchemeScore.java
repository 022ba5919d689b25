package io.kvscale.evaluation;

import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The score of one sample with a quantized cache. Sums are over the predicted tokens, in their order.
 *
 * @param negativeLogLikelihood sum of -log p(next token), in nats
 * @param divergence sum of KL(full-precision || quantized), in nats
 * @param topTokenMatches number of predictions with the most probable token of the full-precision cache
 * @param errors the quantization error of each quantized slot's K or V, as computed in this run
 */
public record SchemeScore(
        double negativeLogLikelihood, double divergence, long topTokenMatches, SortedMap<Slot, SquareSums> errors)
        implements Serializable {

    public SchemeScore {
        errors = new TreeMap<>(errors);
    }
}
