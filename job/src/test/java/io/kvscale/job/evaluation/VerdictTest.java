package io.kvscale.job.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
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

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0.0063 | 0.00632 | Calibration changes little: KL is 0.00630 with these scales, and 0.00632 with",
                "0.0001 | 0.0009  | Calibration changes little: KL is 0.000100 with these scales, and 0.000900 with",
                "0.95   | 1       | Calibration changes little: KL is 0.950 with these scales, and 1 with",
                "0      | 0       | Calibration changes little: KL is 0 with these scales, and 0 with",
                "0.0063 | 0.0107  | Calibration helps: KL is 0.00630 with these scales, and 0.0107 with",
                "0.0107 | 0.0063  | Scale 1.0 does better than this calibration: KL is 0.0107 with these scales, and 0.00630 with",
            })
    void calibrationIsComparedWithScaleOneByItsDivergence(double calibrated, double unit, String expected) {
        assertThat(Verdict.againstUnit(quality(calibrated, Map.of()), quality(unit, Map.of())))
                .isEqualTo(expected + " scale 1.0.");
    }

    @Test
    void theSlotWhoseErrorChangesMostIsNamed() {
        Slot key = new Slot(3, Role.KEY);
        Slot value = new Slot(23, Role.VALUE);
        Slot exact = new Slot(24, Role.VALUE);
        SchemeQuality unit = quality(1, Map.of(key, 31.0, value, 27.0, exact, Double.POSITIVE_INFINITY));
        assertThat(Verdict.againstUnit(quality(1, Map.of(key, 30.0, value, 31.125, exact, 40.0)), unit))
                .endsWith("with scale 1.0; SQNR differs most in layer 23 value: 4.12 dB higher than with scale 1.0.");
        assertThat(Verdict.againstUnit(quality(1, Map.of(key, 22.5)), unit))
                .endsWith("with scale 1.0; SQNR differs most in layer 3 key: 8.50 dB lower than with scale 1.0.");
    }

    private static SchemeQuality quality(double kl, Map<Slot, Double> sqnr) {
        return new SchemeQuality(
                new NamedScales("a", JobScales.of(QuantizationScheme.fp8(), 2, 4, 1)), 9, kl, 1, new TreeMap<>(sqnr));
    }
}
