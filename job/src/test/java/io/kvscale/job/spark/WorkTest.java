package io.kvscale.job.spark;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WorkTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0            | 2_000_000     | 3  | kvscale: 0.0 of 2.0 MB (0 %), 0.0 MB/s
            500_000      | 2_000_000     | 1  | kvscale: 0.5 of 2.0 MB (25 %), 0.5 MB/s, 3 s left
            2_000_000    | 2_000_000     | 4  | kvscale: 2.0 of 2.0 MB (100 %), 0.5 MB/s, 0 s left
            1_000_000    | 91_000_000    | 1  | kvscale: 1.0 of 91.0 MB (1 %), 1.0 MB/s, 1 min 30 s left
            1_000_000    | 7_501_000_000 | 1  | kvscale: 1.0 of 7501.0 MB (0 %), 1.0 MB/s, 2 h 5 min left
            """)
    void showsBytesRateAndTimeLeft(String bytes, String total, double seconds, String line) {
        assertThat(new Work.Bytes(number(total)).line(number(bytes), 0, seconds))
                .isEqualTo(line);
    }

    private static long number(String digits) {
        return Long.parseLong(digits.replace("_", ""));
    }

    @Test
    void anUnknownTotalIsNotShown() {
        assertThat(new Work.Bytes(-1).line(5_000_000, 0, 2)).isEqualTo("kvscale: 5.0 MB, 2.5 MB/s");
    }

    @Test
    void tokensShowSamplesAndTokens() {
        assertThat(new Work.Tokens(8_000, 40).line(2_000, 12, 4))
                .isEqualTo("kvscale: 12 of 40 samples, 2000 of 8000 tokens (25 %), 500 tokens/s, 12 s left");
    }

    @Test
    void textsShowNoTotal() {
        assertThat(new Work.Texts().line(0, 5000, 4)).isEqualTo("kvscale: 5000 texts read, 1250 texts/s");
    }
}
