package io.kvscale.evaluation;

import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a quantized cache made of one sample. Sums are over the predicted tokens, in their order.
 *
 * @param negativeLogLikelihood sum of -log p(next token)
 * @param divergence sum of KL(full-precision cache || this one), in nats
 * @param topTokenMatches predictions with the same likeliest token as with the full-precision cache
 * @param errors by quantized slot: of the K and V that this run itself computed
 */
public record SchemeScore(
        double negativeLogLikelihood, double divergence, long topTokenMatches, SortedMap<Slot, SquareSums> errors)
        implements Serializable {

    public SchemeScore {
        errors = new TreeMap<>(errors);
    }
}
