package io.kvscale.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.Nvfp4;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class Nvfp4GoldenTest {
    static Stream<Arguments> cases() {
        return GoldenFile.cases("nvfp4.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void scalesAndValuesEqualTheReference(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        KvTensor values = Tensors.of(golden.get("values"), golden.get("shape"), dtype);
        QuantizedKvCache cache = new QuantizedKvCache(QuantizationScheme.nvfp4(GlobalScale.DIVISOR));
        KvTensor output = cache.update(values, values, 7).key();
        ScaleSet scales = Objects.requireNonNull(cache.scales(new Slot(7, Role.KEY)));

        float global = scales.parameters()[0].scale();
        assertThat(scales.parameters()).hasSize(1);
        assertThat(GoldenFile.hex(new float[] {global}, Dtype.F32))
                .containsExactly(GoldenFile.words(golden.get("global_scale")));
        assertThat(locals(values, new Nvfp4(GlobalScale.DIVISOR, global, dtype)))
                .containsExactly(GoldenFile.words(golden.get("local_scale")));
        float[] out = new float[output.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = output.value(i);
        }
        assertThat(GoldenFile.hex(out, Dtype.F32)).containsExactly(GoldenFile.words(golden.get("output_f32")));
    }

    private static String[] locals(KvTensor values, Nvfp4 nvfp4) {
        byte[] codes = new byte[values.size()];
        byte[] locals = new byte[codes.length / QuantizationScheme.NVFP4_GROUP_SIZE];
        nvfp4.quantize(values.values(), 0, codes.length, codes, locals, 0);
        float[] numbers = new float[locals.length];
        for (int i = 0; i < locals.length; i++) {
            numbers[i] = NumberFormat.FP8_E4M3.decode(locals[i] & 0xff);
        }
        return GoldenFile.hex(numbers, Dtype.F32);
    }
}
