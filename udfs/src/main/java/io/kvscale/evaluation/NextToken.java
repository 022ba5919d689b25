package io.kvscale.evaluation;

import io.kvscale.tensor.InvalidDataException;
import java.nio.FloatBuffer;

/**
 * The next-token distribution of one row of logits: a softmax in f64, shifted by the greatest logit so that no exponential
 * overflows. Sums have four parts, because a CPU adds to one number slowly; their order is always the same.
 */
final class NextToken {
    /** The remedy for NaN and infinite values. */
    static final String REMEDY =
            "find out why the model produced them, or leave such texts out with max_failed_samples under "
                    + "kvscale in the recipe";

    private final float[] logits;
    private final double[] shifted;
    private final double[] weights;
    private final double[] terms;
    private double total;
    private double logTotal;
    private int top;

    NextToken(int vocabulary) {
        this.logits = new float[vocabulary];
        this.shifted = new double[vocabulary];
        this.weights = new double[vocabulary];
        this.terms = new double[vocabulary];
    }

    /** @throws InvalidDataException if a logit is NaN or infinite */
    void read(FloatBuffer rows, int row) {
        rows.get(row * logits.length, logits);
        top = 0;
        float greatest = logits[0];
        float least = logits[0];
        for (int i = 1; i < logits.length; i++) {
            least = Math.min(least, logits[i]);
            if (logits[i] > greatest) {
                greatest = logits[i];
                top = i;
            }
        }
        for (int i = 0; i < logits.length; i++) {
            shifted[i] = (double) logits[i] - greatest;
        }
        Exponentials.of(shifted, weights);
        total = sum(weights);
        if (Float.isInfinite(least) || Double.isNaN(total)) {
            throw new InvalidDataException("the model computed NaN or infinite logits", REMEDY);
        }
        logTotal = StrictMath.log(total);
    }

    private static double sum(double[] terms) {
        double first = 0;
        double second = 0;
        double third = 0;
        double fourth = 0;
        int i = 0;
        for (; i + 3 < terms.length; i += 4) {
            first += terms[i];
            second += terms[i + 1];
            third += terms[i + 2];
            fourth += terms[i + 3];
        }
        for (; i < terms.length; i++) {
            first += terms[i];
        }
        return first + second + third + fourth;
    }

    /** -log p of a token, in nats. */
    double negativeLogLikelihood(int token) {
        return logTotal - shifted[token];
    }

    /** KL(this || other) in nats; 0 for equal logits, never negative. */
    double divergence(NextToken other) {
        for (int i = 0; i < terms.length; i++) {
            terms[i] = weights[i] * (shifted[i] - other.shifted[i]);
        }
        return Math.max(0, sum(terms) / total - (logTotal - other.logTotal));
    }

    /** The most probable token; the lowest id of several. */
    int top() {
        return top;
    }
}
