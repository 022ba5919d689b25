package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RoundingGoldenTest {
    static Stream<Arguments> cases() {
        return GoldenFile.cases("rounding.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void roundingEqualsTheReference(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        NumberFormat format = GoldenFile.format(golden);
        float[] input = GoldenFile.floats(golden.get("input"), dtype);
        float[] output = new float[input.length];
        for (int i = 0; i < input.length; i++) {
            output[i] = format.round(input[i]);
        }
        assertThat(GoldenFile.hex(output, dtype)).containsExactly(GoldenFile.words(golden.get("output")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void codesOfRoundedNumbersRoundTrip(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        NumberFormat format = GoldenFile.format(golden);
        for (float number : GoldenFile.floats(golden.get("output"), dtype)) {
            assertThat(format.decode(format.encode(number)))
                    .as("%s", number)
                    .isEqualTo(format.isInteger() ? number + 0f : number);
        }
    }
}
