package io.kvscale.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.quant.HeldScales;
import io.kvscale.quant.NaiveNvfp4;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.task.FakeDecoding;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A cache with fixed scales, checked value by value against the definition of quantization. */
class FixedScalesTest {
    private static final Slot KEYS = new Slot(3, Role.KEY);
    private static final Slot VALUES = new Slot(3, Role.VALUE);
    private static final int CASES = 120;

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void tokensOutsideTheResidualWindowAreQuantizedWithTheFixedScales(NumberFormat format) {
        Random random = new Random(format.ordinal());
        for (int i = 0; i < CASES; i++) {
            int headDim = new int[] {1, 2, 6, 16, 64}[random.nextInt(5)];
            check(random, scheme(random, format, headDim), headDim);
        }
    }

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void nvfp4ComputesLocalScalesAndUsesTheFixedGlobalScale(GlobalScale convention) {
        Random random = new Random(convention.ordinal());
        for (int i = 0; i < CASES; i++) {
            check(random, QuantizationScheme.nvfp4(convention), 16 * (1 + random.nextInt(3)));
        }
    }

    private static QuantizationScheme scheme(Random random, NumberFormat format, int headDim) {
        Strategy strategy = Strategy.values()[random.nextInt(4)];
        return new QuantizationScheme(
                format,
                strategy,
                strategy == Strategy.GROUP ? (headDim % 2 == 0 ? headDim / 2 : 1) : 0,
                !format.supportsAsymmetric() || random.nextBoolean(),
                new StaticMinMax(),
                ScaleDtype.values()[random.nextInt(2)]);
    }

    /** Updates of random sizes, on a dtype that may differ from the calibration's. */
    private static void check(Random random, QuantizationScheme scheme, int headDim) {
        Geometry calibrated = new Geometry(Dtype.values()[random.nextInt(3)], 1 + random.nextInt(3), headDim);
        Geometry geometry = new Geometry(Dtype.values()[random.nextInt(3)], calibrated.heads(), headDim);
        SlotScales scales = TestScales.random(random, scheme, calibrated);
        int residual = random.nextBoolean() ? 0 : random.nextInt(12);
        FixedScales fixed = TestScales.table(KEYS, scales);
        QuantizedKvCache cache = QuantizedKvCache.withFixedScales(fixed, residual);
        int batch = 1 + random.nextInt(2);
        KvTensor all = tensor(random, geometry, batch, 1 + random.nextInt(80));
        KvTensor expected = fakeQuantized(all, scales, calibrated.dtype());
        for (int at = 0; at < all.tokens(); ) {
            int to = Math.min(all.tokens(), at + 1 + random.nextInt(random.nextInt(6) == 0 ? 70 : 5));
            KvTensor added = KvTokens.copy(all, 0, at, to);
            KvPair out = cache.update(added, added, 3);
            at = to;
            int coded = Math.max(0, at - residual);
            assertThat(out.key().tokens()).isEqualTo(at);
            assertSame(KvTokens.copy(out.key(), 0, 0, coded), KvTokens.copy(expected, 0, 0, coded), scheme);
            assertSame(KvTokens.copy(out.key(), 0, coded, at), KvTokens.copy(all, 0, coded, at), scheme);
            assertSame(out.value(), KvTokens.copy(all, 0, 0, at), scheme); // no scales, not quantized
        }
        assertThat(cache.getSeqLength(3)).isEqualTo(all.tokens());
        assertSame(TestScales.fakeQuantized(fixed, KEYS, all), expected, scheme);
        cache.resetStates();
        assertThat(cache.getSeqLength(3)).isZero();
        assertThat(cache.heldBytes()).isZero();
    }

    private static void assertSame(KvTensor got, KvTensor want, QuantizationScheme scheme) {
        assertThat(got.values()).as(scheme.toString()).isEqualTo(want.values());
        assertThat(got.geometry()).isEqualTo(want.geometry());
    }

    /** The expected values; steps are in f32 if the table's dtype differs from the cache's. */
    private static KvTensor fakeQuantized(KvTensor tensor, SlotScales scales, Dtype calibrated) {
        Geometry geometry = tensor.geometry();
        Dtype dtype = geometry.dtype();
        HeldScales held = TestScales.held(scales, geometry);
        Dtype step = calibrated == dtype ? scales.scheme().scaleDtype().over(dtype) : Dtype.F32;
        GlobalScale convention = scales.scheme().globalScale();
        float[] result = new float[tensor.size()];
        for (int i = 0; i < result.length; i++) {
            if (convention == null) {
                int channel = i / geometry.headDim() / tensor.tokens() % geometry.heads() * geometry.headDim()
                        + i % geometry.headDim();
                QuantParameters parameters = held.ofChannel(channel);
                result[i] = parameters.dequantize(
                        parameters.quantize(tensor.value(i), scales.scheme().format(), step), step);
            } else if (i % 16 == 0) {
                float[] group = new float[16];
                for (int g = 0; g < 16; g++) {
                    group[g] = tensor.value(i + g);
                }
                System.arraycopy(
                        NaiveNvfp4.fakeQuantized(group, convention, scales.scale()[0], dtype), 0, result, i, 16);
            }
        }
        return tensor(geometry, tensor.batch(), result);
    }

    private static KvTensor tensor(Random random, Geometry geometry, int batch, int tokens) {
        float[] values = new float[batch * tokens * geometry.channels()];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (random.nextInt(9)) {
                case 0 -> -0f;
                case 1 -> -1e-6f;
                case 2 -> 1e4f; // far beyond every range
                case 3 -> -1e4f;
                default -> (float) random.nextGaussian();
            };
        }
        return tensor(geometry, batch, values);
    }

    private static KvTensor tensor(Geometry geometry, int batch, float... values) {
        int bytes = geometry.dtype().bytes();
        ByteBuffer buffer = ByteBuffer.allocateDirect(values.length * bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : values) {
            int bits = geometry.dtype().fromFloat(x);
            if (bytes == 4) {
                buffer.putInt(bits);
            } else {
                buffer.putShort((short) bits);
            }
        }
        return new KvTensor(geometry, batch, values.length / geometry.channels() / batch, buffer.flip());
    }

    @Test
    void scalesCalibratedOnBf16WorkOnAnF32Cache() {
        Geometry f32 = new Geometry(Dtype.F32, 1, 1);
        SlotScales scales = TestScales.of(
                QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR),
                new Geometry(Dtype.BF16, 1, 1),
                new float[] {0.01f},
                new float[1]);
        QuantizedKvCache cache = QuantizedKvCache.withFixedScales(TestScales.table(KEYS, scales), 0);
        KvTensor out = cache.update(tensor(f32, 1, 0.504f, 300f, -300f), tensor(f32, 1, 1, 2, 3), 3)
                .key();
        assertThat(new float[] {out.value(0), out.value(1), out.value(2)})
                .containsExactly(50 * 0.01f, 127 * 0.01f, -128 * 0.01f);
    }

    @Test
    void scalesOfAnotherModelAreRefusedNamingTheSlot() {
        Geometry calibrated = new Geometry(Dtype.BF16, 2, 16);
        FixedScales fixed =
                TestScales.table(VALUES, TestScales.random(new Random(1), QuantizationScheme.fp8(), calibrated));
        QuantizedKvCache cache = QuantizedKvCache.withFixedScales(fixed, 0);
        Geometry other = new Geometry(Dtype.BF16, 4, 8);
        KvTensor tokens = tensor(new Random(2), other, 1, 2);
        assertThatThrownBy(() -> cache.update(tokens, tokens, 3))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("BF16, 2 heads, head_dim 16", "BF16, 4 heads, head_dim 8", "layer 3 value");
        assertThat(cache.getSeqLength(3)).isZero();
        assertThatThrownBy(() -> TestScales.fakeQuantized(fixed, VALUES, tokens))
                .hasMessageContaining("layer 3 value");
        assertThatThrownBy(() -> fixed.checkFit(FakeDecoding.shape(4, 4, 8, Dtype.F32)))
                .hasMessageContainingAll("BF16, 2 heads", "F32, 4 heads", "layer 3 value");
        assertThatThrownBy(() -> fixed.checkFit(FakeDecoding.shape(3, 2, 16, Dtype.F32)))
                .hasMessageContainingAll("the model has 3 layers", "layer 3 value");
        fixed.checkFit(FakeDecoding.shape(4, 2, 16, Dtype.F32));
    }

    @Test
    void queriesAreNoPartOfACache() {
        Slot query = new Slot(3, Role.QUERY);
        Geometry queries = new Geometry(Dtype.BF16, 8, 16);
        FixedScales fixed =
                TestScales.table(query, TestScales.random(new Random(1), QuantizationScheme.fp8(), queries));
        assertThat(fixed.quantizes(query)).isFalse();
        fixed.checkFit(FakeDecoding.shape(4, 2, 16, Dtype.F32));
    }

    @Test
    void updatesOfAnotherShapeAreRefused() {
        Geometry geometry = new Geometry(Dtype.F32, 1, 2);
        QuantizedKvCache cache = QuantizedKvCache.withFixedScales(TestScales.table(new TreeMap<>()), 0);
        cache.update(tensor(geometry, 1, 1, 2), tensor(geometry, 1, 1, 2), 0);
        KvTensor two = tensor(geometry, 2, 1, 2, 3, 4);
        assertThatThrownBy(() -> cache.update(two, two, 0)).hasMessageContaining("the cache holds batch 1");
        assertThatThrownBy(() -> cache.update(tensor(geometry, 1, 1, 2), two, 1))
                .hasMessageContaining("layer 1: key");
        assertThatThrownBy(() -> QuantizedKvCache.withFixedScales(TestScales.table(new TreeMap<>()), -1))
                .hasMessageContaining("residual_length -1");
    }

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void updateRefusesNonFiniteValuesAndFakeQuantizationKeepsThem(NumberFormat format) {
        for (Dtype dtype : Dtype.values()) {
            Geometry geometry = new Geometry(dtype, 1, 2);
            Random random = new Random(5);
            FixedScales fixed = TestScales.table(
                    KEYS, TestScales.random(random, QuantizationScheme.of(format, Strategy.TENSOR), geometry));
            KvTensor nonFinite = tensor(geometry, 1, 1, Float.NaN, Float.POSITIVE_INFINITY, -2);
            KvTensor finite = TestScales.fakeQuantized(fixed, KEYS, tensor(geometry, 1, 1, 0, 0, -2));
            KvTensor quantized = TestScales.fakeQuantized(fixed, KEYS, nonFinite);
            assertThat(new float[] {quantized.value(0), quantized.value(1), quantized.value(2), quantized.value(3)})
                    .containsExactly(finite.value(0), Float.NaN, Float.POSITIVE_INFINITY, finite.value(3));
            QuantizedKvCache cache = QuantizedKvCache.withFixedScales(fixed, 0);
            assertThatThrownBy(() -> cache.update(nonFinite, finite, 3))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContainingAll("NaN or infinite", "layer 3 key");
            assertThat(cache.getSeqLength(3)).isZero();
            assertThat(cache.update(finite, nonFinite, 3).value().bits(1)).isEqualTo(nonFinite.bits(1));
        }
    }
}
