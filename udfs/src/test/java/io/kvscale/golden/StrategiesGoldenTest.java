package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.numeric.Dtype;
import io.kvscale.quant.ScaleSet;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class StrategiesGoldenTest {
    static Stream<Arguments> cases() {
        return GoldenFile.cases("strategies.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void scalesAndValuesEqualTheReference(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        QuantizationScheme scheme = new QuantizationScheme(
                GoldenFile.format(golden),
                Strategy.valueOf(golden.get("strategy").asText().toUpperCase(Locale.ROOT)),
                golden.get("group_size").asInt(0),
                golden.get("symmetric").asBoolean(),
                new StaticMinMax(),
                ScaleDtype.valueOf(golden.get("scale_dtype").asText().toUpperCase(Locale.ROOT)));
        KvTensor values = Tensors.of(golden.get("values"), golden.get("shape"), dtype);
        QuantizedKvCache cache = new QuantizedKvCache(scheme);
        KvTensor output = cache.update(values, values, 7).key();
        ScaleSet scales = Objects.requireNonNull(cache.scales(new Slot(7, Role.KEY)));

        float[] scale = new float[scales.parameters().length];
        float[] zeroPoint = new float[scale.length];
        for (int i = 0; i < scale.length; i++) {
            scale[i] = scales.parameters()[i].scale();
            zeroPoint[i] = scales.parameters()[i].zeroPoint() + 0f;
        }
        int[] shape = StreamSupport.stream(golden.get("scale_shape").spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();
        assertThat(scheme.strategy().scaleShape(values.geometry(), scheme.groupSize()))
                .containsExactly(shape);
        assertThat(GoldenFile.hex(scale, scales.scheme().step(scales.geometry())))
                .containsExactly(GoldenFile.words(golden.get("scale")));
        assertThat(zeroPoint).containsExactly(GoldenFile.numbers(golden.get("zero_point")));
        assertThat(Tensors.newest(output, values.tokens())).containsExactly(GoldenFile.words(golden.get("output")));
    }
}
