package io.kvscale.evaluation;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * What the full-precision cache and every quantized one made of one sample.
 *
 * @param sample its name
 * @param tokens all of its tokens
 * @param predicted tokens that were predicted: all but the first
 * @param negativeLogLikelihood sum of -log p(next token) with the full-precision cache
 * @param schemes in the order in which they were given
 */
public record SampleScore(
        String sample, long tokens, long predicted, double negativeLogLikelihood, List<SchemeScore> schemes)
        implements Serializable {

    public SampleScore {
        schemes = new ArrayList<>(schemes);
    }
}
