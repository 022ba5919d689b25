package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.cache.QuantizedKvCache;
import io.kvscale.golden.GoldenFile;
import io.kvscale.numeric.Dtype;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SchemeText;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Position;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class NvFp4Test {
    static Stream<Arguments> cases() {
        return GoldenFile.cases("nvfp4.json");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void scalesAndValuesAreTheReferences(String label, JsonNode golden) {
        Dtype dtype = GoldenFile.dtype(golden);
        float[] values = GoldenFile.floats(golden.get("values"), dtype);
        int heads = golden.get("shape").get(1).asInt();
        int headDim = golden.get("shape").get(3).asInt();
        ScaleSet derived =
                ScaleSet.derive(observed(new Geometry(dtype, heads, headDim), values), SchemeText.parse("nvfp4"));
        float global = derived.parameters()[0].scale();
        assertThat(derived.parameters()).hasSize(1);
        assertThat(GoldenFile.hex(new float[] {global}, Dtype.F32))
                .containsExactly(GoldenFile.words(golden.get("global_scale")));
        NvFp4 quantizer = new NvFp4(GlobalScale.COMPRESSED_TENSORS, global, dtype);
        float[] local = new float[values.length / NvFp4.GROUP];
        for (int i = 0; i < local.length; i++) {
            local[i] = quantizer.localScale(absmax(values, i));
        }
        assertThat(GoldenFile.hex(local, Dtype.F32)).containsExactly(GoldenFile.words(golden.get("local_scale")));
        float[] output = floats(quantizer.fakeQuantize(bytes(dtype, values)), dtype);
        assertThat(GoldenFile.hex(output, Dtype.F32)).containsExactly(GoldenFile.words(golden.get("output_f32")));
    }

    /** The reciprocal is another number, so results may differ in what lies between two numbers; never by more than a step. */
    @Test
    void bothWaysRoundGiveNearlyTheSame() {
        Random random = new Random(1);
        for (Dtype dtype : Dtype.values()) {
            float[] values = new float[16 * 200];
            for (int i = 0; i < values.length; i++) {
                values[i] = dtype.round((float) (random.nextGaussian() * Math.exp(i / 16 % 7)));
            }
            float absmax = 0;
            for (float x : values) {
                absmax = Math.max(absmax, Math.abs(x));
            }
            float[] one = fake(GlobalScale.COMPRESSED_TENSORS, absmax, dtype, values);
            float[] other = fake(GlobalScale.MODELOPT, absmax, dtype, values);
            int same = 0;
            for (int i = 0; i < values.length; i++) {
                assertThat(Math.abs(one[i] - other[i])).isLessThanOrEqualTo(0.4f * absmax(values, i / 16));
                same += Math.abs(one[i] - other[i]) <= 0.01f * Math.abs(one[i]) ? 1 : 0;
            }
            assertThat(same).isGreaterThan(values.length * 97 / 100);
        }
    }

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void zerosAndWhatIsFarSmallerThanTheRestBecomeZeros(GlobalScale way) {
        float[] values = new float[32];
        values[0] = 100;
        values[16] = 1e-6f;
        values[17] = -1e-6f;
        float[] output = fake(way, 100, Dtype.F32, values);
        assertThat(output[0]).isBetween(99.99f, 100.01f);
        for (int i = 1; i < 32; i++) {
            assertThat(output[i]).isEqualTo(0f);
        }
        // Saturated: a scale made for less.
        values[0] = 1e6f;
        assertThat(fake(way, 100, Dtype.F32, values)[0]).isBetween(99f, 101f);
    }

    @Test
    void whatHasNoScaleIsRefused() {
        Geometry geometry = new Geometry(Dtype.F32, 1, 16);
        for (String scheme : new String[] {"nvfp4", "nvfp4:modelopt"}) {
            assertThatThrownBy(() -> ScaleSet.derive(observed(geometry, new float[16]), SchemeText.parse(scheme)))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("NVFP4 scale of values up to 0.0")
                    .hasMessageContaining("leave this layer out");
        }
        float[] tiny = new float[16];
        tiny[3] = Float.MIN_VALUE;
        assertThatThrownBy(() -> ScaleSet.derive(observed(geometry, tiny), SchemeText.parse("nvfp4")))
                .hasMessageContaining("not finite and above 0");
        assertThatThrownBy(() ->
                        ScaleSet.derive(observed(new Geometry(Dtype.F32, 2, 8), tiny), SchemeText.parse("nvfp4")))
                .hasMessageContaining("group_size 16 does not divide head_dim 8")
                .hasMessageContaining("another format");
    }

    @Test
    void aCacheObservesItAndHoldsItNot() {
        QuantizationScheme scheme = SchemeText.parse("nvfp4:modelopt");
        QuantizedKvCache cache = new QuantizedKvCache(scheme);
        KvTensor tensor = new KvTensor(new Geometry(Dtype.F32, 1, 16), 1, 1, ByteBuffer.allocate(64));
        assertThatThrownBy(() -> cache.update(tensor, tensor, 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("layer 3 key")
                .hasMessageContaining("does not hold NVFP4");
        assertThat(cache.statistics()).isEmpty();
    }

    private static float[] fake(GlobalScale way, float absmax, Dtype dtype, float[] values) {
        return floats(new NvFp4(way, NvFp4.globalScale(absmax, way), dtype).fakeQuantize(bytes(dtype, values)), dtype);
    }

    private static float absmax(float[] values, int group) {
        float absmax = 0;
        for (int i = group * 16; i < (group + 1) * 16; i++) {
            absmax = Math.max(absmax, Math.abs(values[i]));
        }
        return absmax;
    }

    private static SlotStatistics observed(Geometry geometry, float[] values) {
        SlotStatistics statistics = new SlotStatistics(geometry, null, StatisticsKind.RANGE);
        int tokens = values.length / geometry.channels();
        KvSource source = new KvSource("f", 0, "s", geometry, 1, tokens, false, null);
        statistics.update(new Position(source, 0), ByteBuffer.wrap(bytes(geometry.dtype(), values)));
        return statistics;
    }

    private static byte[] bytes(Dtype dtype, float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : values) {
            if (dtype == Dtype.F32) {
                bytes.putFloat(x);
            } else {
                bytes.putShort((short) dtype.fromFloat(x));
            }
        }
        return bytes.array();
    }

    private static float[] floats(byte[] values, Dtype dtype) {
        ByteBuffer bytes = ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN);
        float[] floats = new float[values.length / dtype.bytes()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = dtype == Dtype.F32 ? bytes.getFloat() : dtype.toFloat(bytes.getShort() & 0xffff);
        }
        return floats;
    }
}
