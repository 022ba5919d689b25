package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.QuantParameters;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FakeQuantizeGoldenTest {
    static Stream<Arguments> cases() {
        return GoldenFile.cases("fake_quantize.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void valuesComeBackAsTheReferences(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        Dtype step = GoldenFile.step(golden);
        QuantParameters parameters = new QuantParameters(GoldenFile.floats(golden.get("scale"), step)[0], (float)
                golden.get("zero_point").asDouble());
        float[] values = GoldenFile.floats(golden.get("input"), dtype);
        for (int i = 0; i < values.length; i++) {
            values[i] = parameters.dequantize(parameters.quantize(values[i], GoldenFile.format(golden), step), step);
        }
        assertThat(GoldenFile.hex(values, dtype)).containsExactly(GoldenFile.words(golden.get("output")));
    }
}
