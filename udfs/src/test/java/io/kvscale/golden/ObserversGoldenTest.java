package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ObserversGoldenTest {
    private static final Slot SLOT = new Slot(0, Role.KEY);

    static Stream<Arguments> cases() {
        return GoldenFile.cases("observers.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void rangesAfterEveryBatchAreTheReferences(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        QuantizedKvCache cache = new QuantizedKvCache(scheme(golden));
        JsonNode batches = golden.get("batches");
        ScaleSet scales = null;
        for (int i = 0; i < batches.size(); i++) {
            KvTensor batch =
                    Tensors.of(batches.get(i).get("values"), batches.get(i).get("shape"), dtype);
            KvSource source = new KvSource("f", i, "s", batch.geometry(), batch.batch(), batch.tokens(), false, null);
            cache.observe(SLOT, new Position(source, 0), batch.values());
            scales = Objects.requireNonNull(cache.scales(SLOT));
            float[] min = new float[scales.ranges().length];
            float[] max = new float[min.length];
            for (int s = 0; s < min.length; s++) {
                min[s] = scales.ranges()[s].min();
                max[s] = scales.ranges()[s].max();
            }
            JsonNode expected = golden.get("after_each").get(i);
            assertThat(GoldenFile.hex(min, dtype))
                    .as("min, batch %d", i)
                    .containsExactly(GoldenFile.words(expected.get("min")));
            assertThat(GoldenFile.hex(max, dtype))
                    .as("max, batch %d", i)
                    .containsExactly(GoldenFile.words(expected.get("max")));
        }
        float[] scale = new float[Objects.requireNonNull(scales).parameters().length];
        for (int s = 0; s < scale.length; s++) {
            scale[s] = scales.parameters()[s].scale();
        }
        assertThat(GoldenFile.hex(scale, dtype)).containsExactly(GoldenFile.words(golden.get("int8_symmetric_scale")));
    }

    private static QuantizationScheme scheme(JsonNode golden) {
        return new QuantizationScheme(
                NumberFormat.INT8,
                Strategy.valueOf(golden.get("strategy").asText().toUpperCase(Locale.ROOT)),
                0,
                true,
                GoldenFile.observer(golden),
                ScaleDtype.INPUT);
    }
}
