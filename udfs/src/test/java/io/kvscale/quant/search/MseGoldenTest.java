package io.kvscale.quant.search;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.golden.GoldenFile;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
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
    void theReferenceSearchChoosesTheGoldenRange(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        JsonNode kwargs = golden.get("kwargs");
        ReferenceMseSearch search = new ReferenceMseSearch(
                kwargs.path("maxshrink").asDouble(ReferenceMseSearch.DEFAULT.maxshrink()),
                kwargs.path("patience").asInt(ReferenceMseSearch.DEFAULT.patience()),
                kwargs.path("grid").asDouble(ReferenceMseSearch.DEFAULT.grid()),
                kwargs.path("norm").asDouble(ReferenceMseSearch.DEFAULT.norm()));
        ReferenceMseSearch.Result result = search.search(
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

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void theBestOfTheReferenceCandidatesIsChosen(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        JsonNode kwargs = golden.get("kwargs");
        ShrinkGrid grid = new ShrinkGrid(
                kwargs.path("maxshrink").asDouble(ShrinkGrid.DEFAULT.maxshrink()),
                kwargs.path("grid").asDouble(ShrinkGrid.DEFAULT.grid()),
                ShrinkGrid.DEFAULT.expand());
        Range[] chosen = chosen(golden, grid);
        for (int i = 0; i < chosen.length; i++) {
            double best = golden.get("error_f64_of_best_step").get(i).asDouble();
            assertThat(error(golden, i, chosen[i])).as("error of scale %d", i).isLessThanOrEqualTo(best * 1.01);
            if (!golden.get("approximate").asBoolean()) {
                QuantParameters parameters = parameters(golden, chosen[i]);
                assertThat(GoldenFile.hex(new float[] {chosen[i].min(), chosen[i].max(), parameters.scale()}, dtype))
                        .containsExactly(
                                GoldenFile.words(golden.get("min"))[i],
                                GoldenFile.words(golden.get("max"))[i],
                                GoldenFile.words(golden.get("scale"))[i]);
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void theOptimumIsNeverWorseThanTheReferenceGrid(String label, JsonNode golden) {
        Range[] chosen = chosen(golden, null);
        float[][] values = perScale(golden, GoldenFile.dtype(golden));
        for (int i = 0; i < chosen.length; i++) {
            double error = error(golden, i, chosen[i]);
            Range all = counted(values[i]).range();
            for (int step = 0; step < 100; step++) {
                float p = (float) (1 - step / 100.0);
                Dtype dtype = GoldenFile.dtype(golden);
                Range shrunk = new Range(dtype.round(all.min() * p), dtype.round(all.max() * p));
                assertThat(error).as("step %d", step).isLessThanOrEqualTo(error(golden, i, shrunk) * (1 + 1e-9));
            }
            assertThat(error)
                    .isLessThanOrEqualTo(
                            golden.get("error_f64_of_best_step").get(i).asDouble() * (1 + 1e-9));
        }
    }

    private static Range[] chosen(JsonNode golden, ShrinkGrid grid) {
        Dtype dtype = GoldenFile.dtype(golden);
        QuantizationScheme scheme = new QuantizationScheme(
                GoldenFile.format(golden),
                Strategy.TENSOR,
                0,
                golden.get("symmetric").asBoolean(),
                new Mse(norm(golden), grid),
                ScaleDtype.INPUT);
        float[][] values = perScale(golden, dtype);
        Range[] chosen = new Range[values.length];
        for (int i = 0; i < chosen.length; i++) {
            chosen[i] = ((Mse) scheme.observer())
                    .choose(
                            counted(values[i]).counts(),
                            counted(values[i]).range(),
                            scheme,
                            dtype,
                            IntegerGrid.HALF_WIDTH);
        }
        return chosen;
    }

    private static double norm(JsonNode golden) {
        return golden.get("kwargs").path("norm").asDouble(new Mse().norm());
    }

    private static double error(JsonNode golden, int scale, Range range) {
        Dtype dtype = GoldenFile.dtype(golden);
        QuantParameters parameters = parameters(golden, range);
        double sum = 0;
        for (float x : perScale(golden, dtype)[scale]) {
            float q = parameters.dequantize(parameters.quantize(x, GoldenFile.format(golden), dtype), dtype);
            sum += Math.pow(Math.abs((double) q - x), norm(golden));
        }
        return sum;
    }

    private static QuantParameters parameters(JsonNode golden, Range range) {
        return QuantParameters.ofRange(
                range.min(),
                range.max(),
                GoldenFile.format(golden),
                golden.get("symmetric").asBoolean(),
                GoldenFile.dtype(golden));
    }

    private static Counted counted(float[] values) {
        return new Counted("golden", values);
    }

    /** The values of [B,H,S,D] by scale: all values, or those of each head. */
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
