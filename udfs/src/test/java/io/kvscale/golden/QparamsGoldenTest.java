package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.QuantParameters;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class QparamsGoldenTest {
    static Stream<Arguments> cases() {
        return GoldenFile.cases("qparams.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void rangesGiveTheReferencesScaleAndZeroPoint(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        float[] min = GoldenFile.floats(golden.get("min"), dtype);
        float[] max = GoldenFile.floats(golden.get("max"), dtype);
        float[] scale = new float[min.length];
        float[] zeroPoint = new float[min.length];
        for (int i = 0; i < min.length; i++) {
            QuantParameters ours = QuantParameters.ofRange(
                    min[i],
                    max[i],
                    GoldenFile.format(golden),
                    golden.get("symmetric").asBoolean(),
                    dtype);
            scale[i] = ours.scale();
            zeroPoint[i] = ours.zeroPoint() + 0f;
        }
        assertThat(GoldenFile.hex(scale, dtype)).containsExactly(GoldenFile.words(golden.get("scale")));
        assertThat(zeroPoint).containsExactly(GoldenFile.numbers(golden.get("zero_point")));
    }
}
