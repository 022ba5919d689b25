package io.kvscale.evaluation;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * The scores of one sample.
 *
 * @param sample the sample's name
 * @param tokens the number of tokens
 * @param predicted the number of predicted tokens: all but the first
 * @param negativeLogLikelihood sum of -log p(next token) with the full-precision cache, in nats
 * @param schemes the score of each quantized cache, in the order given
 */
public record SampleScore(
        String sample, long tokens, long predicted, double negativeLogLikelihood, List<SchemeScore> schemes)
        implements Serializable {

    public SampleScore {
        schemes = new ArrayList<>(schemes);
    }
}
