package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.numeric.Dtype;
import io.kvscale.quant.MseSearch;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class MseGoldenTest {
    static Stream<Arguments> cases() {
        return GoldenFile.cases("mse.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void gridSearchChoosesTheReferencesRange(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        JsonNode kwargs = golden.get("kwargs");
        MseSearch search = new MseSearch(
                kwargs.path("maxshrink").asDouble(MseSearch.DEFAULT.maxshrink()),
                kwargs.path("patience").asInt(MseSearch.DEFAULT.patience()),
                kwargs.path("grid").asDouble(MseSearch.DEFAULT.grid()),
                kwargs.path("norm").asDouble(MseSearch.DEFAULT.norm()));
        MseSearch.Result result = search.search(
                perScale(golden, dtype),
                GoldenFile.format(golden),
                golden.get("symmetric").asBoolean(),
                dtype);

        for (int i = 0; i < result.error().length; i++) {
            double best = golden.get("error_f64_of_best_step").get(i).asDouble();
            assertThat(result.error()[i]).as("error of scale %d", i).isLessThanOrEqualTo(best * 1.01);
        }
        if (!golden.get("approximate").asBoolean()) {
            float[] scale = new float[result.parameters().length];
            for (int i = 0; i < scale.length; i++) {
                scale[i] = result.parameters()[i].scale();
            }
            assertThat(GoldenFile.hex(result.min(), dtype)).containsExactly(GoldenFile.words(golden.get("min")));
            assertThat(GoldenFile.hex(result.max(), dtype)).containsExactly(GoldenFile.words(golden.get("max")));
            assertThat(GoldenFile.hex(scale, dtype)).containsExactly(GoldenFile.words(golden.get("scale")));
        }
    }

    /** The values of [B,H,S,D] that share a scale: all, or a head's. */
    private static float[][] perScale(JsonNode golden, Dtype dtype) {
        float[] all = GoldenFile.floats(golden.get("values"), dtype);
        if (golden.get("strategy").asText().equals("tensor")) {
            return new float[][] {all};
        }
        int batch = golden.get("shape").get(0).asInt();
        int heads = golden.get("shape").get(1).asInt();
        int run = all.length / batch / heads;
        float[][] byHead = new float[heads][batch * run];
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                System.arraycopy(all, (b * heads + h) * run, byHead[h], b * run, run);
            }
        }
        return byHead;
    }
}
