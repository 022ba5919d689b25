package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.quant.search.Percentile;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Global scales of NVFP4 from statistics. */
class Nvfp4ScalesTest {
    private static final Slot KEY = new Slot(0, Role.KEY);
    private static final Geometry USUAL = new Geometry(Dtype.F32, 2, 16);

    private boolean allowZero;

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void aSlotHasOneScaleAndNoErrorEvenWithHistograms(GlobalScale convention) {
        SlotStatistics seen = statistics(USUAL, StatisticsKind.HISTOGRAM, null, 1, -7, 3);
        assertThat(seen.hasHistograms()).isTrue();
        QuantizationScheme scheme = QuantizationScheme.nvfp4(convention);
        SlotScales scales = solved(seen, scheme);
        assertThat(scales.scale())
                .containsExactly(
                        switch (convention) {
                            case ABSMAX_448 -> 7f / 448f;
                            case MULTIPLIER -> 7f / 2688f;
                            case DIVISOR -> (1 / 7f) * 2688f;
                        });
        assertThat(scales.zeroPoint()).containsExactly(0f);
        assertThat(scales.shape()).containsExactly(1);
        assertThat(scales.rangeMin()).containsExactly(-7f);
        assertThat(scales.rangeMax()).containsExactly(3f);
        assertThat(scales.error()).isNull();
        assertThat(SlotError.of(seen, scheme)).isNull();
    }

    @Test
    void aPercentileComesFromTheHistogram() {
        float[] values = new float[32];
        for (int i = 0; i < values.length; i++) {
            values[i] = i + 1;
        }
        QuantizationScheme scheme = scheme(new Percentile(75));
        assertThat(solved(statistics(USUAL, StatisticsKind.HISTOGRAM, null, values), scheme)
                        .scale())
                .containsExactly(24f / 2688f);
        refused(statistics(USUAL, StatisticsKind.RANGE, null, values), scheme, "needs histograms", "layer 0 key");
    }

    @Test
    void batchesOfStrategyTensorWorkForNvfp4() {
        QuantizationScheme scheme = scheme(new MovingAverage(0.25));
        QuantizationScheme tensor =
                QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.TENSOR, true, new MovingAverage(0.25));
        assertThat(ScaleSet.policy(scheme, USUAL)).isNotNull().isEqualTo(ScaleSet.policy(tensor, USUAL));
        SlotStatistics seen = statistics(USUAL, StatisticsKind.RANGE, ScaleSet.policy(scheme, USUAL), 8);
        assertThat(solved(seen, scheme).scale()).containsExactly(8f / 2688f);
    }

    @ParameterizedTest
    @EnumSource(GlobalScale.class)
    void zerosAreRefusedEvenWithAllowZero(GlobalScale convention) {
        QuantizationScheme scheme = QuantizationScheme.nvfp4(convention);
        SlotStatistics zeros = statistics(USUAL, StatisticsKind.RANGE, null, 0, -0f);
        refused(zeros, scheme, "values are zero", "allow_zero does not apply", "layer 0 key");
        refused(zeros, QuantizationScheme.fp8(), "values are zero", "say allow_zero: true");
        allowZero = true;
        refused(zeros, scheme, "the range is 0", "allow_zero does not apply", "layer 0 key", "sample s");
        assertThat(solved(zeros, QuantizationScheme.fp8()).scale()).containsExactly(0x1p-23f);
    }

    @Test
    void valuesTooSmallForAGlobalScaleAreRefused() {
        SlotStatistics tiny = statistics(USUAL, StatisticsKind.RANGE, null, 1e-38f);
        refused(tiny, QuantizationScheme.nvfp4(GlobalScale.DIVISOR), "2688/absmax is Infinity", "layer 0 key");
        assertThat(solved(tiny, QuantizationScheme.nvfp4(GlobalScale.MULTIPLIER))
                        .scale())
                .containsExactly(1e-38f / 2688f);
        refused(
                statistics(USUAL, StatisticsKind.RANGE, null, Float.MIN_VALUE),
                QuantizationScheme.nvfp4(GlobalScale.MULTIPLIER),
                "absmax/2688 is 0.0",
                "layer 0 key");
    }

    @Test
    void aHeadDimThatIsNoMultipleOf16IsRefused() {
        Geometry odd = new Geometry(Dtype.F32, 2, 24);
        QuantizationScheme scheme = QuantizationScheme.nvfp4(GlobalScale.DIVISOR);
        refused(
                statistics(odd, StatisticsKind.RANGE, null, 1),
                scheme,
                "group_size 16 does not divide head_dim 24",
                "take another strategy",
                "layer 0 key");
    }

    private static QuantizationScheme scheme(Observer observer) {
        return new QuantizationScheme(
                NumberFormat.FP4_E2M1,
                Strategy.TENSOR_GROUP,
                16,
                true,
                observer,
                ScaleDtype.FLOAT32,
                GlobalScale.MULTIPLIER);
    }

    private SlotScales solved(SlotStatistics seen, QuantizationScheme scheme) {
        TreeMap<Slot, SlotStatistics> slots = new TreeMap<>();
        slots.put(KEY, seen);
        ScaleTable table = new ScaleSolver(
                        SlotSchemes.of(scheme),
                        layer -> true,
                        new Tolerances(false, true, allowZero, false, 100, false, null))
                .solve(new CalibrationStatistics(Corpus.EMPTY.withFile(), slots), null)
                .table();
        return ScaleTable.fromJson(table.toJson()).slots().values().iterator().next();
    }

    private void refused(SlotStatistics seen, QuantizationScheme scheme, String... parts) {
        assertThatThrownBy(() -> solved(seen, scheme))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll(parts);
    }

    /** One token with these values first and zeros after them. */
    private static SlotStatistics statistics(
            Geometry geometry, StatisticsKind kind, @Nullable BatchPolicy policy, float... values) {
        SlotStatistics statistics = new SlotStatistics(geometry, policy, kind.tables());
        ByteBuffer bytes = ByteBuffer.allocate(4 * geometry.channels()).order(ByteOrder.LITTLE_ENDIAN);
        for (float x : values) {
            bytes.putFloat(x);
        }
        KvSource source = new KvSource("f", 0, "s", geometry, 1, 1, false, null);
        statistics.update(new Position(source, 0), bytes.rewind());
        return statistics;
    }
}
