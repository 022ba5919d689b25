package io.kvscale.numeric;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class NumberFormatTest {
    /** Properties that formats derive from bits, mantissa and maximum. */
    @ParameterizedTest
    @CsvSource({
        "FP8_E4M3, fp8 fp8_e4m3, 8, float, e4m3, true, -448, 448, 448, 896",
        "FP8_E5M2, fp8_e5m2, 8, float, e5m2, false, -57344, 57344, 57344, NaN",
        "INT8, int8, 8, int, int, true, -128, 127, 127.5, 255",
        "INT4, int4, 4, int, int, true, -8, 7, 7.5, 15",
        "FP4_E2M1, fp4 fp4_e2m1, 4, float, e2m1, true, -6, 6, 6, NaN",
    })
    void formatsHaveTheirNamesRangesAndDivisors(
            NumberFormat format,
            String names,
            int bits,
            String type,
            String layout,
            boolean usual,
            float min,
            float max,
            float symmetric,
            float asymmetric) {
        assertThat(format.names()).isEqualTo(List.of(names.split(" ")));
        assertThat(format.bits()).isEqualTo(bits);
        assertThat(format.type()).isEqualTo(type);
        assertThat(format.layout()).isEqualTo(layout);
        assertThat(format.isUsual()).isEqualTo(usual);
        assertThat(new float[] {format.min(), format.max(), format.symmetricDivisor(), format.asymmetricDivisor()})
                .containsExactly(min, max, symmetric, asymmetric);
    }

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void everyNameIsUniqueAndFoundInAnyCase(NumberFormat format) {
        for (String name : format.names()) {
            assertThat(NumberFormat.named(name.toUpperCase(Locale.ROOT))).contains(format);
        }
        assertThat(NumberFormat.named("fp7")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void everyFiniteCodeReadsBack(NumberFormat format) {
        for (int code = 0; code < 1 << format.bits(); code++) {
            float number = format.decode(code);
            if (Float.isFinite(number)) {
                assertThat(format.encode(number)).isEqualTo(code);
                assertThat(number).isBetween(format.min(), format.max());
            }
        }
    }

    @Test
    void onlyTheCodesBeyondTheGreatestNumberAreNotFinite() {
        String counts = Arrays.stream(NumberFormat.values())
                .map(format -> format.word() + " "
                        + IntStream.range(0, 1 << format.bits())
                                .filter(code -> !Float.isFinite(format.decode(code)))
                                .count())
                .collect(Collectors.joining(", "));
        assertThat(counts).isEqualTo("fp8_e4m3 2, fp8_e5m2 8, int8 0, int4 0, fp4_e2m1 0");
    }
}
