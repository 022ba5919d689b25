package io.kvscale.job.spark;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WorkTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0             | 2_800_000     | 3   | kvscale: starts to read 2.8 MB
            49_999        | 2_800_000     | 3   | kvscale: starts to read 2.8 MB
            500_000       | 2_000_000     | 4.9 | kvscale: 0.5 of 2.0 MB (25 %), 0.1 MB/s
            500_000       | 2_000_000     | 5   | kvscale: 0.5 of 2.0 MB (25 %), 0.1 MB/s, 15 s left
            2_000_000     | 2_000_000     | 8   | kvscale: 2.0 of 2.0 MB (100 %), 0.3 MB/s, 0 s left
            1_900_000     | 100_000_000   | 60  | kvscale: 1.9 of 100.0 MB (1 %), 0.0 MB/s
            10_000_000    | 100_000_000   | 10  | kvscale: 10.0 of 100.0 MB (10 %), 1.0 MB/s, 1 min 30 s left
            200_000_000   | 7_700_000_000 | 200 | kvscale: 200.0 of 7700.0 MB (2 %), 1.0 MB/s, 2 h 5 min left
            """)
    void showsTimeLeftOnceTheRateIsKnown(String bytes, String total, double seconds, String line) {
        assertThat(new Work.Bytes(number(total)).line(number(bytes), 0, seconds))
                .isEqualTo(line);
    }

    private static long number(String digits) {
        return Long.parseLong(digits.replace("_", ""));
    }

    @Test
    void anUnknownTotalIsNotShown() {
        assertThat(new Work.Bytes(-1).line(0, 0, 2)).isEqualTo("kvscale: starts to read");
        assertThat(new Work.Bytes(-1).line(5_000_000, 0, 2)).isEqualTo("kvscale: 5.0 MB, 2.5 MB/s");
    }

    @Test
    void aSecondLookShowsThatItReads() {
        assertThat(new Work.SecondLook().line(120, 0, 12))
                .isEqualTo("kvscale: looks for the samples at fault, 120 files or rows, 10/s");
    }

    @Test
    void aListingShowsTheFilesThatItFound() {
        assertThat(new Work.Listing().line(50_000, 0, 20)).isEqualTo("kvscale: lists the input, 50000 files, 2500/s");
    }

    @Test
    void tokensShowSamplesAndTokens() {
        assertThat(new Work.Tokens(8_000, 40).line(2_000, 12, 8))
                .isEqualTo("kvscale: 12 of 40 samples, 2000 of 8000 tokens (25 %), 250 tokens/s, 24 s left");
    }

    @Test
    void textsShowNoTotal() {
        assertThat(new Work.Texts().line(0, 5000, 4)).isEqualTo("kvscale: 5000 texts read, 1250 texts/s");
    }
}
