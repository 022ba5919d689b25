package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The fit of scales that do not come from the values. */
class ScaleFitTest {
    private static final Geometry GEOMETRY = new Geometry(Dtype.F16, 2, 16);
    private static final int TOKENS = 100;
    private static final int VALUES = 32 * TOKENS;

    /** In channel 3 of head 0, every value is {@code large}; the others are 1. */
    private static IntToDoubleFunction oneChannel(double large) {
        return i -> i % 32 == 3 ? large : i % 2 == 0 ? 1 : -1;
    }

    @ParameterizedTest
    @CsvSource({
        "448, 0, 1",
        "450, 100, 1.0044642857142858",
        "-900, 100, 2.0089285714285716",
        "2, 0, 0.004464285714285714"
    })
    void valuesBeyond448SaturateWithScaleOne(double large, long beyond, double reach) {
        ScaleFit fit = ScaleFit.ofUnitScale(slot(StatisticsKind.HISTOGRAM, oneChannel(large)));
        assertThat(fit.saturatedShare()).isEqualTo(beyond / (double) VALUES);
        assertThat(fit.reach()).isEqualTo(reach);
        assertThat(fit.saturates()).isEqualTo(beyond > 0);
        ScaleFit ranges = ScaleFit.ofUnitScale(slot(StatisticsKind.RANGE, oneChannel(large)));
        assertThat(ranges.saturatedShare()).isEqualTo(beyond > 0 ? null : 0.0);
        assertThat(ranges.reach()).isEqualTo(reach);
        assertThat(ranges.error()).isNull();
    }

    @Test
    void theErrorWithScaleOneIsThatOfEveryValue() {
        SlotStatistics seen =
                slot(StatisticsKind.HISTOGRAM, i -> (i % 2 == 0 ? 0.003 : -1) * (1 + i % 7) * (i == 5 ? 99 : 1));
        double signal = 0;
        double noise = 0;
        for (int i = 0; i < VALUES; i++) {
            double x = Dtype.F16.toFloat(
                    Dtype.F16.fromFloat((float) ((i % 2 == 0 ? 0.003 : -1) * (1 + i % 7) * (i == 5 ? 99 : 1))));
            double q = NumberFormat.FP8_E4M3.round((float) x);
            signal += x * x;
            noise += (q - x) * (q - x);
        }
        SlotError error = Objects.requireNonNull(ScaleFit.ofUnitScale(seen).error());
        assertThat(error.saturated()).isEqualTo(1);
        assertThat(error.sqnrDb()).isCloseTo(10 * Math.log10(signal / noise), within(1e-9));
    }

    @ParameterizedTest
    @EnumSource(Strategy.class)
    void scalesOfTheSameValuesReachThemAndOfHalfTheValuesDoNot(Strategy strategy) {
        SlotStatistics seen = slot(StatisticsKind.HISTOGRAM, oneChannel(7));
        for (QuantizationScheme scheme : schemes(strategy)) {
            ScaleSet own = ScaleSet.derive(seen, scheme);
            ScaleFit fit = ScaleFit.of(seen, scheme, own.scales(), own.zeroPoints());
            double headroom =
                    scheme.globalScale() == null ? 1 : scheme.globalScale().headroom();
            assertThat(fit.reach()).as("%s", scheme).isCloseTo(1 / headroom, within(1e-6));
            assertThat(fit.saturates()).isFalse();
            float factor = (float) (scheme.globalScale() == GlobalScale.DIVISOR ? 2 : 0.5 / headroom);
            float[] halved = own.scales();
            for (int i = 0; i < halved.length; i++) {
                halved[i] *= factor;
            }
            ScaleFit less = ScaleFit.of(seen, scheme, halved, own.zeroPoints());
            assertThat(less.reach()).as("%s", scheme).isCloseTo(2, within(1e-6));
            assertThat(less.saturates()).isTrue();
            // In one scale for all heads, only channel 3 is beyond; other scales are all beyond.
            boolean byHeads = scheme.channelsPerScale(GEOMETRY) >= GEOMETRY.headDim();
            boolean shared = scheme.channelsPerScale(GEOMETRY) == GEOMETRY.channels();
            assertThat(less.saturatedShare())
                    .as("%s", scheme)
                    .isEqualTo(
                            shared ? (Double) (100.0 / VALUES) : byHeads ? (Double) ((100.0 + 1600) / VALUES) : null);
        }
    }

    private static Iterable<QuantizationScheme> schemes(Strategy strategy) {
        if (strategy == Strategy.TENSOR_GROUP) {
            return Arrays.stream(GlobalScale.values())
                    .map(QuantizationScheme::nvfp4)
                    .toList();
        }
        if (strategy == Strategy.GROUP) {
            QuantizationScheme fp8 = QuantizationScheme.fp8();
            return List.of(new QuantizationScheme(fp8.format(), strategy, 8, true, fp8.observer(), fp8.scaleDtype()));
        }
        return List.of(QuantizationScheme.of(NumberFormat.FP8_E4M3, strategy));
    }

    @Test
    void asymmetricScalesReachOnlyTheirSide() {
        QuantizationScheme scheme = QuantizationScheme.of(
                NumberFormat.INT8,
                Strategy.TENSOR,
                false,
                QuantizationScheme.fp8().observer());
        ScaleSet positive = ScaleSet.derive(slot(StatisticsKind.RANGE, i -> i % 5), scheme);
        ScaleFit fit = ScaleFit.of(
                slot(StatisticsKind.HISTOGRAM, oneChannel(2)), scheme, positive.scales(), positive.zeroPoints());
        assertThat(fit.reach()).isInfinite();
        assertThat(fit.saturatedShare()).isEqualTo(15.0 / 32);
    }

    @Test
    void aWrongNumberOfScalesIsRefused() {
        SlotStatistics seen = slot(StatisticsKind.RANGE, oneChannel(2));
        QuantizationScheme byHead = QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.ATTN_HEAD);
        assertThatThrownBy(() -> ScaleFit.of(seen, byHead, new float[] {1}, new float[] {0}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("1 scales and 1 zero points, expected 2 for attn_head of " + GEOMETRY);
    }

    @Test
    void noValuesFitAnyScale() {
        SlotStatistics none = new SlotStatistics(GEOMETRY, null, StatisticsKind.HISTOGRAM.tables());
        assertThat(ScaleFit.ofUnitScale(none)).isEqualTo(new ScaleFit(0, 0.0, null));
    }

    private static SlotStatistics slot(StatisticsKind kind, IntToDoubleFunction values) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * VALUES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < VALUES; i++) {
            bytes.putShort((short) Dtype.F16.fromFloat((float) values.applyAsDouble(i)));
        }
        SlotStatistics slot = new SlotStatistics(GEOMETRY, null, kind.tables());
        // [tokens, heads, head_dim]
        KvSource source = new KvSource("f", 0, "s", GEOMETRY, 1, TOKENS, true, null);
        slot.update(new Position(source, 0), bytes.flip());
        return slot;
    }
}
