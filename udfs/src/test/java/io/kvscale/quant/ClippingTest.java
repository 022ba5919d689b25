package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Values that the scales of a table clip. */
class ClippingTest {
    private static final int TOKENS = 200;
    private static final int VALUES = 32 * TOKENS;

    static List<QuantizationScheme> schemes() {
        List<QuantizationScheme> schemes = new ArrayList<>();
        for (NumberFormat format : NumberFormat.values()) {
            for (Strategy strategy : List.of(Strategy.TENSOR, Strategy.ATTN_HEAD, Strategy.CHANNEL, Strategy.GROUP)) {
                for (ScaleDtype dtype : ScaleDtype.values()) {
                    for (boolean symmetric : new boolean[] {true, false}) {
                        if (symmetric || format.supportsAsymmetric()) {
                            int group = strategy == Strategy.GROUP ? 8 : 0;
                            schemes.add(new QuantizationScheme(
                                    format, strategy, group, symmetric, new StaticMinMax(), dtype));
                        }
                    }
                }
            }
        }
        for (GlobalScale convention : GlobalScale.values()) {
            schemes.add(QuantizationScheme.nvfp4(convention));
        }
        return schemes;
    }

    @ParameterizedTest
    @MethodSource("schemes")
    void theScalesOfMinimumAndMaximumClipNothingOfTheirOwnValues(QuantizationScheme scheme) {
        for (Dtype dtype : Dtype.values()) {
            for (int seed = 0; seed < 4; seed++) {
                Random random = new Random(seed);
                double offset = seed - 1.5;
                SlotStatistics seen =
                        slot(StatisticsKind.RANGE, dtype, i -> random.nextGaussian() * (1 + i % 5) + offset);
                assertThat(Clipping.of(seen, scales(seen, scheme, 1)))
                        .as("%s seed %s", dtype, seed)
                        .isEqualTo(new Clipping(0, VALUES));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "INT8, 127.4, 0",
        "INT8, 127.6, 64",
        "INT4, 7.49, 0",
        "INT4, 7.51, 64",
        "FP8_E4M3, 463, 0",
        "FP8_E4M3, 465, 64"
    })
    void whatLosesNoMoreThanRoundingIsNotClipped(NumberFormat format, double large, long clipped) {
        QuantizationScheme scheme = QuantizationScheme.of(format, Strategy.TENSOR);
        float most = format.symmetricDivisor();
        SlotScales one = scales(slot(StatisticsKind.RANGE, Dtype.F32, i -> i % 2 == 0 ? most : -1), scheme, 1);
        assertThat(one.scale()).containsExactly(1f);
        SlotStatistics seen = slot(StatisticsKind.HISTOGRAM, Dtype.F16, i -> i % 100 == 7 ? large : 1);
        assertThat(Clipping.of(seen, one)).isEqualTo(new Clipping(clipped, VALUES));
    }

    @ParameterizedTest
    @EnumSource
    void valuesBeyondAreCountedWhereHistogramsTell(Strategy strategy) {
        // Head 0 has 100 values of 10, head 1 has 50 values of 30; the scales are for at most 8.
        IntToDoubleFunction values = i -> {
            int head = i / 16 % 2;
            int nth = i / 32;
            return i % 16 != 3 ? i % 2 == 0 ? 1 : -1 : head == 0 ? (nth % 2 == 0 ? 10 : 1) : (nth % 4 == 1 ? -30 : 1);
        };
        SlotStatistics seen = slot(StatisticsKind.HISTOGRAM, Dtype.BF16, values);
        SlotStatistics older = slot(StatisticsKind.RANGE, Dtype.BF16, i -> i % 2 == 0 ? 8 : -8);
        for (QuantizationScheme scheme : schemes()) {
            if (scheme.strategy() == strategy && scheme.symmetric() && scheme.format() != NumberFormat.FP4_E2M1
                    || scheme.globalScale() == GlobalScale.MULTIPLIER && strategy == Strategy.TENSOR_GROUP) {
                boolean byHeads = scheme.channelsPerScale(seen.geometry()) >= 16;
                assertThat(Clipping.of(seen, scales(older, scheme, 1)))
                        .as("%s", scheme)
                        .isEqualTo(byHeads ? new Clipping(150, VALUES) : null);
                assertThat(Clipping.of(slot(StatisticsKind.RANGE, Dtype.BF16, values), scales(older, scheme, 1)))
                        .isNull();
                // Larger scales hold all values, whatever range is beside them.
                float factor = scheme.globalScale() == GlobalScale.DIVISOR ? 0.25f : 4;
                assertThat(Clipping.of(seen, scales(older, scheme, factor))).isEqualTo(new Clipping(0, VALUES));
            }
        }
    }

    @Test
    void theShareIsOfAllFiniteValues() {
        assertThat(new Clipping(150, VALUES).share()).isEqualTo(150.0 / VALUES);
        assertThat(new Clipping(0, 0).share()).isZero();
    }

    private static SlotScales scales(SlotStatistics seen, QuantizationScheme scheme, float factor) {
        ScaleSet set = ScaleSet.derive(seen, scheme);
        float[] scale = set.scales();
        float[] min = new float[scale.length];
        float[] max = new float[scale.length];
        for (int i = 0; i < scale.length; i++) {
            scale[i] *= factor;
            min[i] = set.ranges()[i].min();
            max[i] = set.ranges()[i].max();
        }
        return new SlotScales(
                scheme,
                seen.geometry(),
                scale,
                set.zeroPoints(),
                min,
                max,
                seen.min(),
                seen.max(),
                seen.finite(),
                0,
                0,
                null,
                null,
                null);
    }

    /** Two heads of 16. */
    private static SlotStatistics slot(StatisticsKind kind, Dtype dtype, IntToDoubleFunction values) {
        Geometry geometry = new Geometry(dtype, 2, 16);
        ByteBuffer bytes = ByteBuffer.allocate(dtype.bytes() * VALUES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < VALUES; i++) {
            int bits = dtype.fromFloat((float) values.applyAsDouble(i));
            if (dtype.bytes() == Float.BYTES) {
                bytes.putInt(bits);
            } else {
                bytes.putShort((short) bits);
            }
        }
        SlotStatistics slot = new SlotStatistics(geometry, null, kind.tables());
        KvSource source = new KvSource("f", 0, "s", geometry, 1, TOKENS, true, null);
        slot.update(new Position(source, 0), bytes.flip());
        return slot;
    }
}
