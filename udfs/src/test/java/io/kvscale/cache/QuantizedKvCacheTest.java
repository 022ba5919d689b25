package io.kvscale.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.quant.ScaleSet;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.task.FakeDecoding;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantizedKvCacheTest {
    private static final QuantizationScheme INT8 = QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR);
    private static final Geometry SMALL = new Geometry(Dtype.F32, 2, 4);

    @Test
    void onesAndTwosGiveTheScalesOfTheReference() {
        QuantizedKvCache cache = new QuantizedKvCache(INT8);
        cache.update(filled(SMALL, 1, 3, i -> 1f), filled(SMALL, 1, 3, i -> i % 2 + 1f), 0);
        assertThat(scale(cache, 0, Role.KEY)).isEqualTo((float) (1.0 / 127.5));
        assertThat(scale(cache, 0, Role.VALUE)).isEqualTo((float) (2.0 / 127.5));
        assertThat(cache.statistics()).hasSize(2);
        cache.update(filled(SMALL, 1, 3, i -> 1f), filled(SMALL, 1, 3, i -> 2f), 1);
        assertThat(cache.statistics()).hasSize(4);
        assertThat(scale(cache, 1, Role.VALUE)).isEqualTo((float) (2.0 / 127.5));
        cache.reset();
        assertThat(cache.statistics()).isEmpty();
        assertThat(cache.scales(new Slot(0, Role.KEY))).isNull();
        assertThat(cache.getSeqLength(0)).isZero();
        assertThat(cache.heldBytes()).isZero();
    }

    @Test
    void layersMayComeInAnyOrder() {
        QuantizedKvCache cache = new QuantizedKvCache(INT8);
        for (int layer : new int[] {7, 0, 9_999, 3, 0, 7}) {
            cache.update(filled(SMALL, 1, 2, i -> layer + 1f), filled(SMALL, 1, 2, i -> 1f), layer);
        }
        assertThat(cache.getSeqLength(7)).isEqualTo(4);
        assertThat(cache.getSeqLength(0)).isEqualTo(4);
        assertThat(cache.getSeqLength(3)).isEqualTo(2);
        assertThat(cache.getSeqLength(1)).isZero();
        assertThat(scale(cache, 9_999, Role.KEY)).isEqualTo(10_000f / 127.5f);
        assertThat(cache.statistics().firstKey()).isEqualTo(new Slot(0, Role.KEY));
    }

    @Test
    void twoCachesShareNothing() {
        QuantizedKvCache one = new QuantizedKvCache(INT8);
        QuantizedKvCache other = new QuantizedKvCache(QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.ATTN_HEAD));
        one.update(filled(SMALL, 1, 1, i -> 1f), filled(SMALL, 1, 1, i -> 1f), 0);
        assertThat(other.statistics()).isEmpty();
        other.update(filled(SMALL, 1, 1, i -> 448f), filled(SMALL, 1, 1, i -> 1f), 0);
        assertThat(scale(other, 0, Role.KEY)).isEqualTo(1f);
        assertThat(scale(one, 0, Role.KEY)).isEqualTo(1 / 127.5f);
    }

    @Test
    void resetStatesDropsTheTokensAndKeepsTheStatistics() {
        QuantizedKvCache cache = new QuantizedKvCache(INT8);
        cache.update(filled(SMALL, 1, 3, i -> 5f), filled(SMALL, 1, 3, i -> 1f), 0);
        cache.resetStates();
        assertThat(cache.getSeqLength(0)).isZero();
        assertThat(cache.heldBytes()).isZero();
        assertThat(scale(cache, 0, Role.KEY)).isEqualTo(5 / 127.5f);
        // Another batch size may follow, and the scale remembers what came before.
        KvPair next = cache.update(filled(SMALL, 2, 1, i -> 1f), filled(SMALL, 2, 1, i -> 1f), 0);
        assertThat(next.key().tokens()).isEqualTo(1);
        assertThat(scale(cache, 0, Role.KEY)).isEqualTo(5 / 127.5f);
        assertThat(Objects.requireNonNull(cache.statistics().get(new Slot(0, Role.KEY)))
                        .tokens())
                .isEqualTo(5);
    }

    @Test
    void nonFiniteValuesAreRefusedNamingTheSlotAndNotHeld() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            QuantizedKvCache cache = new QuantizedKvCache(INT8);
            cache.update(filled(SMALL, 1, 2, i -> 1f), filled(SMALL, 1, 2, i -> 1f), 4);
            assertThatThrownBy(() ->
                            cache.update(filled(SMALL, 1, 2, i -> 1f), filled(SMALL, 1, 2, i -> i == 9 ? bad : 1f), 4))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("layer 4 value")
                    .hasMessageContaining("NaN or infinite");
            assertThat(cache.getSeqLength(4)).isEqualTo(2);
            KvPair next = cache.update(filled(SMALL, 1, 1, i -> 1f), filled(SMALL, 1, 1, i -> 1f), 4);
            assertThat(next.key().tokens()).isEqualTo(3);
            assertThat(next.value().tokens()).isEqualTo(3);
        }
    }

    @Test
    void anotherShapeIsRefusedBeforeAnythingIsObserved() {
        QuantizedKvCache cache = new QuantizedKvCache(INT8);
        KvTensor good = filled(SMALL, 1, 2, i -> 1f);
        cache.update(good, good, 0);
        KvTensor batch = filled(SMALL, 2, 2, i -> 9f);
        KvTensor heads = filled(new Geometry(Dtype.F32, 4, 2), 1, 2, i -> 9f);
        KvTensor dtype = filled(new Geometry(Dtype.BF16, 2, 4), 1, 2, i -> 9f);
        KvTensor longer = filled(SMALL, 1, 3, i -> 9f);
        for (KvTensor other : new KvTensor[] {batch, heads, dtype, longer}) {
            assertThatThrownBy(() -> cache.update(other, good, 0)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> cache.update(good, other, 0)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> cache.update(batch, batch, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("batch 1")
                .hasMessageContaining("layer 0 key");
        assertThat(scale(cache, 0, Role.KEY)).isEqualTo(1 / 127.5f);
        assertThat(Objects.requireNonNull(cache.statistics().get(new Slot(0, Role.KEY)))
                        .finite())
                .isEqualTo(16);
        assertThatThrownBy(() -> new QuantizedKvCache(SlotSchemes.of(INT8), -1))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void observedPiecesAndUpdatesFeedTheSameStatistics() {
        QuantizedKvCache cache = new QuantizedKvCache(INT8);
        KvTensor ones = filled(SMALL, 1, 2, i -> 1f);
        KvTensor threes = filled(SMALL, 1, 2, i -> -3f);
        Slot slot = new Slot(0, Role.KEY);
        cache.observe(
                slot,
                new Position(new KvSource("f", 0, "s", SMALL, 1, 2, false, null), 0),
                threes.values().duplicate());
        assertThat(cache.getSeqLength(0)).isZero();
        assertThat(cache.heldBytes()).isZero();
        KvPair pair = cache.update(ones, ones, 0);
        assertThat(pair.key().tokens()).isEqualTo(2);
        assertThat(scale(cache, 0, Role.KEY)).isEqualTo(3 / 127.5f);
        assertThat(scale(cache, 0, Role.VALUE)).isEqualTo(1 / 127.5f);
        assertThat(Objects.requireNonNull(cache.statistics().get(slot)).tokens())
                .isEqualTo(4);
    }

    @ParameterizedTest
    @CsvSource({"0, 3", "2, 3", "5, 2"})
    void fakeQuantizingADecodersPastGivesWhatUpdateReturns(int residualLength, int chunk) {
        FakeDecoding decoder = new FakeDecoding(FakeDecoding.shape(1, 2, 4, Dtype.F32));
        QuantizedKvCache held = new QuantizedKvCache(SlotSchemes.of(INT8), residualLength);
        QuantizedKvCache inPlace = new QuantizedKvCache(SlotSchemes.of(INT8), residualLength);
        Slot keys = new Slot(0, Role.KEY);
        Slot values = new Slot(0, Role.VALUE);
        decoder.begin(1);
        for (int from = 0; from < 12; from += chunk) {
            decoder.feed(new int[][] {IntStream.range(from, from + chunk).toArray()});
            KvTensor key = KvTokens.copy(decoder.present(keys), 0, from, from + chunk);
            KvTensor value = KvTokens.copy(decoder.present(values), 0, from, from + chunk);
            KvPair whole = held.update(key, value, 0);
            inPlace.update(key, value, 0); // Only to observe: the tokens are dropped.
            inPlace.resetStates();
            inPlace.fakeQuantize(decoder, List.of(keys, values), from, (slot, computed, quantized) -> {});
            assertThat(decoder.present(keys).values()).isEqualTo(whole.key().values());
            assertThat(decoder.present(values).values()).isEqualTo(whole.value().values());
            assertThat(inPlace.getSeqLength(0)).isZero();
        }
    }

    @Test
    void theCallersBuffersMayChangeAfterwards() {
        QuantizedKvCache cache = new QuantizedKvCache(SlotSchemes.of(INT8), 4);
        KvTensor tensor = filled(SMALL, 1, 2, i -> i);
        KvTensor first = cache.update(tensor, tensor, 0).key();
        tensor.values().putFloat(0, 99f);
        first.values().putFloat(0, 77f);
        KvTensor later = cache.update(filled(SMALL, 1, 1, i -> 1f), filled(SMALL, 1, 1, i -> 1f), 0)
                .key();
        assertThat(later.value(0)).isEqualTo(0f);
    }

    @ParameterizedTest
    @CsvSource({
        "INT8, TENSOR, 0, 1",
        "INT8, CHANNEL, 0, 1",
        "FP8_E4M3, TENSOR, 0, 1",
        "INT4, GROUP, 32, 2",
        "FP4_E2M1, ATTN_HEAD, 0, 2"
    })
    void heldBytesAreThoseOfCodesAndResidualWindow(
            NumberFormat format, Strategy strategy, int groupSize, int valuesPerByte) {
        Geometry geometry = new Geometry(Dtype.BF16, 4, 64);
        QuantizationScheme scheme =
                new QuantizationScheme(format, strategy, groupSize, true, new StaticMinMax(), ScaleDtype.FLOAT32);
        int residual = 128;
        int prefill = 4_000;
        int decoded = 3 * 64;
        long expected = 4L * geometry.channels() * ((prefill + decoded - residual) / valuesPerByte + residual * 2L);
        Supplier<QuantizedKvCache> filled = () -> {
            QuantizedKvCache cache = new QuantizedKvCache(SlotSchemes.of(scheme), residual);
            for (int layer = 0; layer < 2; layer++) {
                update(cache, filled(geometry, 1, prefill, i -> i % 1_000 - 500), layer);
                for (int i = 0; i < decoded; i += 64) {
                    update(cache, filled(geometry, 1, 64, c -> 1f), layer);
                }
            }
            // The rest is the indices of codes for the lowest integer, which are few here.
            assertThat((double) cache.heldBytes()).isBetween(expected * 1.0, expected * 1.1);
            assertThat(cache.getSeqLength(1)).isEqualTo(prefill + decoded);
            return cache;
        };
        assertResetFrees(filled, expected * 0.95, expected * 1.15);
    }

    @Test
    void onlyChangesOfScalesAreHeld() {
        Geometry geometry = new Geometry(Dtype.BF16, 8, 128);
        int tokens = 400;
        // Gaussian data widens a channel's range about 2 ln(400) times in 400 tokens, at 8 bytes each.
        double codes = 2.0 * tokens * geometry.channels();
        Supplier<QuantizedKvCache> filled = () -> {
            QuantizedKvCache cache =
                    new QuantizedKvCache(QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.CHANNEL));
            Random random = new Random(7);
            for (int t = 0; t < tokens; t++) {
                update(cache, filled(geometry, 1, 1, i -> (float) random.nextGaussian()), 0);
            }
            assertThat((double) cache.heldBytes()).isLessThan(codes * 1.3);
            return cache;
        };
        assertResetFrees(filled, codes * 0.95, codes * 1.6);
    }

    @Test
    void tooManyChannelsAreRefused() {
        QuantizedKvCache cache = new QuantizedKvCache(QuantizationScheme.fp8());
        Geometry wide = new Geometry(Dtype.F16, 1 << 10, 1 << 7);
        assertThatThrownBy(() -> {
                    for (int layer = 0; layer < 200; layer++) {
                        KvSource source = new KvSource("f", layer, "s", wide, 1, 1, true, null);
                        cache.observe(new Slot(layer, Role.KEY), new Position(source, 0), ByteBuffer.allocate(0));
                    }
                })
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll("more than any model", "layer 128 key", "check the layout");
    }

    private static void update(QuantizedKvCache cache, KvTensor both, int layer) {
        cache.update(both, both, layer);
    }

    /**
     * Checks the heap that a cache frees when its tokens are dropped. Other threads of the JVM may allocate or free memory
     * meanwhile, so one of three measurements has to fit.
     */
    private static void assertResetFrees(Supplier<QuantizedKvCache> filled, double least, double most) {
        List<Double> freed = new ArrayList<>();
        do {
            QuantizedKvCache cache = filled.get();
            long with = used();
            cache.resetStates();
            freed.add((double) (with - used()));
        } while (freed.size() < 3 && !(freed.get(freed.size() - 1) >= least && freed.get(freed.size() - 1) <= most));
        assertThat(freed).anySatisfy(bytes -> assertThat(bytes).isBetween(least, most));
    }

    /** The least heap in use after four collections: the serial collector compacts every fourth time. */
    private static long used() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 4; i++) {
            System.gc();
            least = Math.min(
                    least,
                    Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
        }
        return least;
    }

    private static float scale(QuantizedKvCache cache, int layer, Role role) {
        ScaleSet scales = Objects.requireNonNull(cache.scales(new Slot(layer, role)));
        return scales.parameters()[0].scale();
    }

    private static KvTensor filled(Geometry geometry, int batch, int tokens, IntFunction<Number> values) {
        Dtype dtype = geometry.dtype();
        int count = batch * tokens * geometry.channels();
        ByteBuffer bytes = ByteBuffer.allocate(count * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            float x = values.apply(i).floatValue();
            if (dtype == Dtype.F32) {
                bytes.putFloat(x);
            } else {
                bytes.putShort((short) dtype.fromFloat(x));
            }
        }
        return new KvTensor(geometry, batch, tokens, bytes.flip());
    }
}
