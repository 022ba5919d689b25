package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.numeric.NumberFormat;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FormatsGoldenTest {
    static Stream<Arguments> cases() {
        return GoldenFile.cases("formats.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void everyCodeDecodesToTheReferenceNumber(String label, JsonNode golden) {
        NumberFormat format = GoldenFile.format(golden);
        int[] expected = GoldenFile.bits(golden.get("values"));
        assertThat(expected).hasSize(1 << format.bits());
        for (int code = 0; code < expected.length; code++) {
            float number = Float.intBitsToFloat(expected[code]);
            float ours = format.decode(code);
            if (Float.isNaN(number)) {
                assertThat(ours).as("code %d", code).isNaN();
            } else {
                assertThat(Float.floatToRawIntBits(ours)).as("code %d", code).isEqualTo(expected[code]);
            }
            if (Float.isFinite(number)) {
                assertThat(format.encode(ours)).as("code of %s", ours).isEqualTo(code);
            }
        }
    }
}
