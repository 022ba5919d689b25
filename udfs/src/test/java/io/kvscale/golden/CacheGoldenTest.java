package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.cache.KvPair;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CacheGoldenTest {
    static Stream<Arguments> cases() {
        return GoldenFile.cases("cache.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void updatesReturnWhatTheReferenceReturns(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        QuantizedKvCache cache = new QuantizedKvCache(new QuantizationScheme(
                GoldenFile.format(golden),
                Strategy.TENSOR,
                0,
                golden.get("symmetric").asBoolean(),
                GoldenFile.observer(golden),
                ScaleDtype.INPUT));
        for (JsonNode update : golden.get("updates")) {
            KvTensor key = Tensors.of(update.get("key"), golden.get("shape"), dtype);
            KvTensor value = Tensors.of(update.get("value"), golden.get("shape"), dtype);
            int layer = update.get("layer").asInt();
            KvPair output = cache.update(key, value, layer);
            check(golden, update, "k", key, output.key(), scale(cache, new Slot(layer, Role.KEY)));
            check(golden, update, "v", value, output.value(), scale(cache, new Slot(layer, Role.VALUE)));
        }
    }

    private static QuantParameters scale(QuantizedKvCache cache, Slot slot) {
        return Objects.requireNonNull(cache.scales(slot)).parameters()[0];
    }

    private static void check(
            JsonNode golden, JsonNode update, String role, KvTensor input, KvTensor output, QuantParameters ours) {
        Dtype dtype = GoldenFile.dtype(golden);
        String[] expected = GoldenFile.words(update.get(role.equals("k") ? "key_out" : "value_out"));
        float scale = GoldenFile.floats(update.get(role + "_scale"), dtype)[0];
        float zeroPoint = GoldenFile.numbers(update.get(role + "_zero_point"))[0];
        String[] newest = Tensors.newest(output, input.tokens());
        if (update.get("first_of_layer").asBoolean()) {
            assertThat(ours).isEqualTo(new QuantParameters(scale, zeroPoint));
            assertThat(newest).containsExactly(expected);
            return;
        }
        assertThat(Math.abs(dtype.orderKey(dtype.fromFloat(ours.scale())) - dtype.orderKey(dtype.fromFloat(scale))))
                .as("scale %s for %s, in units in the last place", ours.scale(), scale)
                .isLessThanOrEqualTo(2);
        for (int i = 0; i < newest.length; i++) {
            float theirs = number(expected[i], dtype);
            double allowed = (double) step(GoldenFile.format(golden), input.value(i) / scale + zeroPoint) * scale
                    + 2.0 * ulp(theirs, dtype);
            assertThat(Math.abs((double) number(newest[i], dtype) - theirs))
                    .as("value %d", i)
                    .isLessThanOrEqualTo(allowed);
        }
    }

    private static float number(String word, Dtype dtype) {
        return dtype.toFloat(Integer.parseUnsignedInt(word, 16));
    }

    private static double ulp(float x, Dtype dtype) {
        int bits = dtype.fromFloat(Math.abs(x));
        return (double) dtype.toFloat(bits + 1) - dtype.toFloat(bits);
    }

    /** The distance of the format's numbers around x. */
    private static float step(NumberFormat format, float x) {
        if (format.isInteger()) {
            return 1f;
        }
        return Math.scalb(1f, Math.max(Math.getExponent(format.round(x)), -6) - 3);
    }
}
