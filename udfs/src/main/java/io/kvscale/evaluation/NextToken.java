package io.kvscale.evaluation;

import io.kvscale.tensor.InvalidDataException;
import java.nio.FloatBuffer;

/**
 * The next-token distribution of one row of logits: a softmax in f64, shifted by the greatest logit so that no exponential
 * overflows. {@link StrictMath} gives the same bits on every JDK.
 */
final class NextToken {
    /** The remedy for NaN and infinite values. */
    static final String REMEDY =
            "find out why the model produced them, or leave such texts out with max_failed_samples under "
                    + "kvscale in the recipe";

    private final float[] logits;
    private final double[] weights;
    private double greatest;
    private double total;
    private double logTotal;
    private int top;

    NextToken(int vocabulary) {
        this.logits = new float[vocabulary];
        this.weights = new double[vocabulary];
    }

    /** @throws InvalidDataException if a logit is NaN or infinite */
    void read(FloatBuffer rows, int row) {
        rows.get(row * logits.length, logits);
        top = 0;
        float odd = 0;
        for (int i = 0; i < logits.length; i++) {
            odd += logits[i] * 0f; // stays NaN after the first NaN or infinite logit
            if (logits[i] > logits[top]) {
                top = i;
            }
        }
        if (Float.isNaN(odd)) {
            throw new InvalidDataException("the model computed NaN or infinite logits", REMEDY);
        }
        greatest = logits[top];
        total = 0;
        for (int i = 0; i < logits.length; i++) {
            weights[i] = StrictMath.exp(logits[i] - greatest);
            total += weights[i];
        }
        logTotal = StrictMath.log(total);
    }

    /** -log p of a token, in nats. */
    double negativeLogLikelihood(int token) {
        return logTotal - (logits[token] - greatest);
    }

    /** KL(this || other) in nats; 0 for equal logits, never negative. */
    double divergence(NextToken other) {
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            sum += weights[i] * ((logits[i] - greatest) - (other.logits[i] - other.greatest));
        }
        return Math.max(0, sum / total - (logTotal - other.logTotal));
    }

    /** The most probable token; the lowest id of several. */
    int top() {
        return top;
    }
}
