package io.kvscale.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.kvscale.tensor.InvalidDataException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.FloatBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NextTokenTest {
    private static final MathContext DIGITS = new MathContext(40);

    @Test
    void negativeLogLikelihoodAndDivergenceFollowTheirDefinitions() {
        Random random = new Random(11);
        for (int round = 0; round < 40; round++) {
            int size = 1 + random.nextInt(60);
            float[] a = logits(random, size, 1 + random.nextInt(20));
            float[] b = logits(random, size, 1 + random.nextInt(20));
            NextToken p = read(a);
            NextToken q = read(b);
            double divergence = 0;
            for (int i = 0; i < size; i++) {
                double logP = StrictMath.log(share(a, i));
                double logQ = StrictMath.log(share(b, i));
                assertThat(p.negativeLogLikelihood(i)).isCloseTo(-logP, within(1e-12 * Math.max(1, -logP)));
                divergence += share(a, i) * (logP - logQ);
            }
            assertThat(p.divergence(q)).isCloseTo(divergence, within(1e-12 * Math.max(1, divergence)));
            assertThat(p.divergence(read(a))).isZero();
        }
    }

    /** The softmax by its definition, in forty digits, where large exponentials do not overflow. */
    private static double share(float[] logits, int token) {
        BigDecimal total = BigDecimal.ZERO;
        for (float logit : logits) {
            total = total.add(exponential(logit));
        }
        return exponential(logits[token]).divide(total, DIGITS).doubleValue();
    }

    /** The exponential by its series, with the argument halved until it converges fast. */
    private static BigDecimal exponential(float x) {
        int halvings = 12;
        BigDecimal small = new BigDecimal(x).divide(BigDecimal.valueOf(1 << halvings), DIGITS);
        BigDecimal term = BigDecimal.ONE;
        BigDecimal sum = BigDecimal.ONE;
        for (int i = 1; i < 20; i++) {
            term = term.multiply(small, DIGITS).divide(BigDecimal.valueOf(i), DIGITS);
            sum = sum.add(term, DIGITS);
        }
        return sum.pow(1 << halvings, DIGITS);
    }

    @Test
    void addingAConstantToAllLogitsChangesNothing() {
        float[] logits = {3f, -2f, 0.5f};
        float[] shifted = {4099f, 4094f, 4096.5f};
        assertThat(read(shifted).negativeLogLikelihood(1))
                .isCloseTo(read(logits).negativeLogLikelihood(1), within(1e-12));
        assertThat(read(shifted).divergence(read(logits))).isCloseTo(0, within(1e-12));
        float[] far = {3e38f, -3e38f};
        assertThat(read(far).negativeLogLikelihood(0)).isZero();
        assertThat(read(far).negativeLogLikelihood(1)).isEqualTo(2 * (double) 3e38f);
        assertThat(read(far).divergence(read(new float[] {0, 0}))).isCloseTo(StrictMath.log(2), within(1e-12));
    }

    @Test
    void theTopTokenIsTheFirstOfEquals() {
        assertThat(read(new float[] {-1, 7, 7, 2}).top()).isEqualTo(1);
        assertThat(read(new float[] {-0f, 0f}).top()).isZero();
        FloatBuffer rows = FloatBuffer.wrap(new float[] {9, 0, 0, 0, 0, 9});
        NextToken token = new NextToken(3);
        token.read(rows, 0);
        assertThat(token.top()).isZero();
        token.read(rows, 1);
        assertThat(token.top()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void nonFiniteLogitsAreRefused(float nonFinite) {
        for (int at = 0; at < 3; at++) {
            float[] logits = {1, 2, 3};
            logits[at] = nonFinite;
            assertThatThrownBy(() -> read(logits))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("logits")
                    .hasMessageContaining("max_failed_samples");
        }
    }

    private static NextToken read(float[] logits) {
        NextToken token = new NextToken(logits.length);
        token.read(FloatBuffer.wrap(logits), 0);
        return token;
    }

    private static float[] logits(Random random, int size, float spread) {
        float[] logits = new float[size];
        for (int i = 0; i < size; i++) {
            logits[i] = (float) random.nextGaussian() * spread;
        }
        return logits;
    }
}
