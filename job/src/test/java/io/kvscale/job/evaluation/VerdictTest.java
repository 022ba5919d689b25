package io.kvscale.job.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VerdictTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "10 | 10     | 0.0009 | Hardly any loss: perplexity stays the same",
                "10 | 10.05  | 0.001  | A small loss: perplexity rises by 0.50 %",
                "10 | 9.9    | 0.01   | A clear loss: perplexity falls by 1.00 %",
                "10 | 13     | 0.1    | A severe loss: perplexity rises by 30.00 %",
                "10 | 1.7e308 | 9     | A severe loss: perplexity rises more than tenfold",
            })
    void theLevelFollowsFromTheDivergence(double baseline, double perplexity, double kl, String expected) {
        assertThat(Verdict.of(baseline, perplexity, kl, 0.975))
                .isEqualTo(expected + ", and 97.50 % of the most likely next tokens stay the same.");
    }
}
