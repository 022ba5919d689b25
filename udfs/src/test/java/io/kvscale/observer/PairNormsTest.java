package io.kvscale.observer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.RotaryPairs;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The norms of pairs are bounds of every rotation, and the least ones. */
class PairNormsTest {
    private static final int TOKENS = 9;

    @ParameterizedTest
    @EnumSource
    void noRotationLeavesTheEnvelopeAndSomeTouchIt(Dtype dtype) {
        Random random = new Random(8);
        for (int round = 0; round < 200; round++) {
            Geometry geometry = new Geometry(dtype, 1 + random.nextInt(3), 2 + random.nextInt(12));
            RotaryPairs pairs = pairs(random, geometry);
            float[] values = values(random, geometry);
            SlotStatistics seen = seen(geometry, pairs, values);
            Range[] envelope = Objects.requireNonNull(seen.envelope(1));
            double[] reached = new double[geometry.channels()];
            for (int row = 0; row < values.length / geometry.headDim(); row++) {
                int head = row / TOKENS * geometry.headDim();
                for (int pair = 0; pair < pairs.count(); pair++) {
                    float a = values[row * geometry.headDim() + pairs.first(pair)];
                    float b = values[row * geometry.headDim() + pairs.second(pair)];
                    Range range = envelope[head + pairs.first(pair)];
                    assertThat(range).isEqualTo(envelope[head + pairs.second(pair)]);
                    assertThat(range.min()).isEqualTo(-range.max());
                    BigDecimal square = new BigDecimal(a).pow(2).add(new BigDecimal(b).pow(2));
                    assertThat(new BigDecimal(range.max()).pow(2)).isGreaterThanOrEqualTo(square);
                    // A rotation by the angle of the pair turns it into one channel.
                    reached[head + pairs.first(pair)] =
                            Math.max(reached[head + pairs.first(pair)], Math.sqrt((double) a * a + (double) b * b));
                    double angle = random.nextDouble() * 7;
                    double turned = a * Math.cos(angle) - b * Math.sin(angle);
                    assertThat(Math.abs(turned)).isLessThanOrEqualTo(range.max() * (1 + 1e-15));
                }
            }
            for (int c = 0; c < reached.length; c++) {
                int pair = pairs.of(c % geometry.headDim());
                if (pair < 0) {
                    assertThat(envelope[c]).isEqualTo(seen.ranges(1)[c]);
                } else if (c % geometry.headDim() == pairs.first(pair)) {
                    assertThat((double) Math.nextDown(envelope[c].max())).isLessThan(reached[c]);
                }
            }
        }
    }

    @Test
    void rangesOfScalesCoverThoseOfTheirChannels() {
        Random random = new Random(9);
        for (int round = 0; round < 100; round++) {
            Geometry geometry = new Geometry(Dtype.F32, 1 + random.nextInt(3), 2 * (1 + random.nextInt(8)));
            SlotStatistics seen = seen(geometry, pairs(random, geometry), values(random, geometry));
            Range[] channels = Objects.requireNonNull(seen.envelope(1));
            for (int width : new int[] {2, geometry.headDim(), geometry.channels()}) {
                Range[] ranges = Objects.requireNonNull(seen.envelope(width));
                assertThat(ranges).hasSize(geometry.channels() / width);
                for (int i = 0; i < ranges.length; i++) {
                    float min = Float.POSITIVE_INFINITY;
                    float max = Float.NEGATIVE_INFINITY;
                    for (int c = i * width; c < (i + 1) * width; c++) {
                        min = Math.min(min, channels[c].min());
                        max = Math.max(max, channels[c].max());
                    }
                    assertThat(ranges[i]).isEqualTo(new Range(min, max));
                }
            }
        }
    }

    @Test
    void pairsOfOneFiniteChannelReachAsFarAsIt() {
        Geometry geometry = new Geometry(Dtype.F32, 1, 4);
        float nan = Float.NaN;
        float inf = Float.POSITIVE_INFINITY;
        SlotStatistics seen = seen(geometry, new RotaryPairs(true, 4), nan, -3, inf, nan);
        assertThat(seen.envelope(1))
                .startsWith(new Range(-3, 3), new Range(-3, 3))
                .satisfies(ranges ->
                        assertThat(Objects.requireNonNull(ranges)[2].isEmpty()).isTrue());
        assertThat(seen.envelope(2)[1].isEmpty()).isTrue();
        assertThat(seen.envelope(4)).containsExactly(new Range(-3, 3));
    }

    @Test
    void layersWithoutRopeKeepTheirRanges() {
        Geometry geometry = new Geometry(Dtype.BF16, 1, 3);
        SlotStatistics seen = seen(geometry, RotaryPairs.NONE, 1, -2, 3);
        assertThat(seen.envelope(1)).isEqualTo(seen.ranges(1));
        assertThat(new SlotStatistics(geometry, null, null).envelope(1)).isNull();
    }

    @Test
    void whatWouldLosePairsIsRefused() {
        Geometry geometry = new Geometry(Dtype.BF16, 2, 4);
        SlotStatistics seen = new SlotStatistics(geometry, null, null, new RotaryPairs(false, 4));
        KvSource source = new KvSource("f", 0, null, geometry, 1, 1, false, null);
        assertThatThrownBy(() -> seen.update(new Position(source, 0), ByteBuffer.allocate(12)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a chunk with norms of pairs cuts a head at value 4");
        assertThatThrownBy(() -> new SlotStatistics(geometry, null, null, new RotaryPairs(false, 6)))
                .hasMessage("6 rotated channels are more than head_dim 4");
    }

    @Test
    void onlyNormsOfTheSamePairsMerge() {
        Geometry geometry = new Geometry(Dtype.F32, 1, 4);
        SlotStatistics half = seen(geometry, new RotaryPairs(false, 4), 1, 2, 3, 4);
        SlotStatistics interleaved = seen(geometry, new RotaryPairs(true, 4), 1, 2, 3, 4);
        SlotStatistics none = new SlotStatistics(geometry, null, null);
        half.merge(none);
        none.merge(half);
        assertThat(none.envelope(1)).isEqualTo(half.envelope(1));
        assertThat(half.hasNormsLike(interleaved)).isFalse();
        assertThatThrownBy(() -> half.merge(interleaved))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("calibrate both with the same kvscale.statistics and config.json");
        SlotStatistics range = new SlotStatistics(geometry, null, null);
        range.update(new Position(new KvSource("f", 0, null, geometry, 1, 1, false, null), 0), ByteBuffer.allocate(16));
        assertThatThrownBy(() -> half.merge(range)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> range.merge(half)).isInstanceOf(IllegalArgumentException.class);
    }

    private static RotaryPairs pairs(Random random, Geometry geometry) {
        int count = random.nextInt(geometry.headDim() / 2 + 1);
        return count == 0 ? RotaryPairs.NONE : new RotaryPairs(random.nextBoolean(), 2 * count);
    }

    private static float[] values(Random random, Geometry geometry) {
        float[] values = new float[TOKENS * geometry.channels()];
        for (int i = 0; i < values.length; i++) {
            values[i] = geometry.dtype().round((float) (random.nextGaussian() * Math.pow(2, random.nextInt(12))));
        }
        return values;
    }

    private static SlotStatistics seen(Geometry geometry, RotaryPairs pairs, float... values) {
        SlotStatistics seen = new SlotStatistics(geometry, null, null, pairs);
        Dtype dtype = geometry.dtype();
        ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < values.length; i++) {
            dtype.put(bytes, i * dtype.bytes(), dtype.fromFloat(values[i]));
        }
        int tokens = values.length / geometry.channels();
        seen.update(new Position(new KvSource("f", 0, null, geometry, 1, tokens, false, null), 0), bytes);
        return seen;
    }
}
