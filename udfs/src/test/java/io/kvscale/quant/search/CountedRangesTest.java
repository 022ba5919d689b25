package io.kvscale.quant.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class CountedRangesTest {
    @ParameterizedTest
    @EnumSource(Counted.Shape.class)
    void aPercentileIsTheLeastMagnitudeThatCoversItsShare(Counted.Shape shape) {
        for (int size : new int[] {1, 2, 3, 10, 1_000, 4_097}) {
            Counted values = Counted.of(shape, size, size);
            float[] magnitudes = values.values().clone();
            for (int i = 0; i < size; i++) {
                magnitudes[i] = Math.abs(magnitudes[i]);
            }
            Arrays.sort(magnitudes);
            for (double p : new double[] {100, 99.99, 99.9, 99, 90, 66.6, 50}) {
                // The first sorted magnitude such that at least p % of all do not exceed it.
                int i = 0;
                while (100.0 * (i + 1) < p * size) {
                    i++;
                }
                if (magnitudes[i] > 0) {
                    assertThat(new Percentile(p).magnitude(values.counts()))
                            .as("%s %% of %s", p, values.name())
                            .isEqualTo(magnitudes[i]);
                }
            }
        }
    }

    @Test
    void aPercentileOfZeroIsRefusedUnlessAllValuesAreZero() {
        float[] values = new float[100];
        values[7] = -2;
        values[8] = 1;
        assertThatThrownBy(() -> derive(new Percentile(98), values))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("percentile 98.0 of |x| is 0: 98 of 100 values are zero")
                .hasMessageContaining("take a higher percentile");
        assertThat(derive(new Percentile(99), values)).isEqualTo(new Range(-1, 1));
        assertThat(derive(new Percentile(100), values)).isEqualTo(new Range(-2, 1));
        for (Observer observer : new Observer[] {new Percentile(50), new Mse(), new Entropy()}) {
            Range zeros = derive(observer, new float[100]);
            assertThat(Math.max(-zeros.min(), zeros.max())).isZero();
        }
    }

    @Test
    void withoutHistogramsTheErrorNamesTheRemedy() {
        SlotStatistics ranges = statistics(StatisticsKind.RANGE, 1, 2);
        for (Observer observer : new Observer[] {new Percentile(), new Mse(), new Entropy()}) {
            assertThatThrownBy(() -> ScaleSet.derive(ranges, scheme(observer, Strategy.TENSOR)))
                    .isInstanceOf(InvalidDataException.class)
                    .hasMessageContaining("observer " + observer.word() + " needs histograms")
                    .hasMessageContaining("statistics: histogram");
        }
    }

    @Test
    void everyHeadHasItsOwnRange() {
        float[] values = new float[200];
        Random random = new Random(5);
        for (int i = 0; i < 100; i++) {
            values[i] = Float.intBitsToFloat(Float.floatToRawIntBits((float) random.nextGaussian()) & 0xffff0000);
            values[100 + i] = 8 * values[i];
        }
        SlotStatistics two = statistics(StatisticsKind.HISTOGRAM, 2, values);
        for (Observer observer : new Observer[] {new Percentile(90), new Mse(), new Entropy()}) {
            Range[] ranges =
                    ScaleSet.derive(two, scheme(observer, Strategy.ATTN_HEAD)).ranges();
            assertThat(ranges).hasSize(2);
            assertThat(ranges[1]).isEqualTo(new Range(8 * ranges[0].min(), 8 * ranges[0].max()));
        }
    }

    static Stream<Counted> distributions() {
        return Arrays.stream(Counted.Shape.values())
                .flatMap(shape -> Stream.of(Counted.of(shape, 20_000, 3), Counted.of(shape, 60, 4)));
    }

    @ParameterizedTest
    @MethodSource("distributions")
    void theEntropyThresholdMinimizesTheDefinition(Counted values) {
        Range all = values.range();
        float largest = Math.max(-all.min(), all.max());
        for (int levels : new int[] {128, 8}) {
            double chosen = Entropy.threshold(values.counts(), all, levels) / (double) largest * 2048;
            int kept = (int) Math.round(chosen);
            double[] bins = new double[2048];
            for (float x : values.values()) {
                bins[(int) Math.min(2047, Math.abs((double) x) * 2048 / largest)]++;
            }
            double least = Double.POSITIVE_INFINITY;
            for (int i = 128; i <= 2048; i++) {
                least = Math.min(least, divergence(bins, i, levels));
            }
            assertThat(kept).isBetween(128, 2048);
            assertThat(divergence(bins, kept, levels)).isLessThanOrEqualTo(least + 1e-9 * Math.abs(least) + 1e-12);
        }
    }

    /** KL(P || Q) as {@link Entropy} defines it. */
    private static double divergence(double[] bins, int kept, int levels) {
        double[] p = Arrays.copyOf(bins, kept);
        for (int j = kept; j < bins.length; j++) {
            p[kept - 1] += bins[j];
        }
        double[] sums = new double[levels];
        int[] used = new int[levels];
        for (int j = 0; j < kept; j++) {
            int level = j * levels / kept;
            sums[level] += bins[j];
            used[level] += bins[j] > 0 ? 1 : 0;
        }
        double[] q = new double[kept];
        for (int j = 0; j < kept; j++) {
            int level = j * levels / kept;
            q[j] = bins[j] > 0 ? sums[level] / used[level] : 0;
        }
        double allP = Arrays.stream(p).sum();
        double allQ = Arrays.stream(q).sum();
        double divergence = 0;
        for (int j = 0; j < kept; j++) {
            if (p[j] > 0) {
                if (q[j] == 0) {
                    return Double.POSITIVE_INFINITY;
                }
                divergence += p[j] / allP * Math.log(p[j] / allP / (q[j] / allQ));
            }
        }
        return divergence;
    }

    private static Range derive(Observer observer, float... values) {
        SlotStatistics statistics = statistics(StatisticsKind.HISTOGRAM, 1, values);
        return ScaleSet.derive(statistics, scheme(observer, Strategy.TENSOR)).ranges()[0];
    }

    private static QuantizationScheme scheme(Observer observer, Strategy strategy) {
        return QuantizationScheme.of(NumberFormat.INT8, strategy, true, observer);
    }

    /** Heads of one channel. */
    private static SlotStatistics statistics(StatisticsKind kind, int heads, float... values) {
        Geometry geometry = new Geometry(Dtype.BF16, heads, 1);
        SlotStatistics statistics = new SlotStatistics(geometry, null, kind.tables());
        ByteBuffer data = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : values) {
            data.putShort((short) Dtype.BF16.fromFloat(x));
        }
        KvSource source = new KvSource("f", 0, "s", geometry, 1, values.length / heads, false, null);
        statistics.update(new Position(source, 0), data.flip());
        return statistics;
    }
}
