package io.kvscale.job.convergence;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.ScaleSet;
import io.kvscale.quant.SlotError;
import io.kvscale.quant.search.Mse;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class CurveRecorderTest {
    private static final Geometry GEOMETRY = new Geometry(Dtype.BF16, 2, 16);
    private static final Slot K = new Slot(0, Role.KEY);
    private static final Slot V = new Slot(0, Role.VALUE);

    private final Map<Slot, SlotStatistics> slots = new TreeMap<>();
    private int samples;

    /** Adds a sample to a slot. */
    private void add(Slot slot, StatisticsKind kind, int tokens, java.util.function.DoubleSupplier values) {
        SlotStatistics to = slots.computeIfAbsent(slot, s -> new SlotStatistics(GEOMETRY, null, kind.tables()));
        ByteBuffer bytes = ByteBuffer.allocate(tokens * GEOMETRY.channels() * 2).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            bytes.putShort((short) Dtype.BF16.fromFloat((float) values.getAsDouble()));
        }
        String name = "s" + samples++;
        to.update(new Position(new KvSource(name, 0, name, GEOMETRY, 1, tokens, false, null), 0), bytes.flip());
    }

    private void add(int tokens, double k, double v) {
        add(K, StatisticsKind.RANGE, tokens, () -> k);
        add(V, StatisticsKind.RANGE, tokens, () -> v);
    }

    private CalibrationStatistics part() {
        return new CalibrationStatistics(Corpus.EMPTY, slots);
    }

    private static CurveRecorder recorder(QuantizationScheme scheme) {
        return new CurveRecorder(SlotSchemes.of(scheme), layer -> layer == 0);
    }

    @Test
    void aCurveIsStableFromTheFirstPartThatNoLaterOneContradicts() {
        CurveRecorder recorder = recorder(QuantizationScheme.fp8());
        assertThat(recorder.isEmpty()).isTrue();
        add(10, 1, 4);
        recorder.add(part());
        add(10, 2, 4);
        recorder.add(part());
        add(20, 2.015625, 3);
        recorder.add(part());
        add(40, 1, 4.03125);
        add(new Slot(1, Role.KEY), StatisticsKind.RANGE, 500, () -> 9); // a layer without scales
        recorder.add(part());
        Convergence curves = recorder.curves();
        assertThat(curves.sizes().stream().map(PartSize::tokens)).containsExactly(10L, 20L, 40L, 80L);
        assertThat(curves.worstFirst().stream().map(SlotCurve::slot)).containsExactly(K, V);
        SlotCurve k = curves.worstFirst().get(0);
        assertThat(k.absmax()).containsExactly(1, 2, 2.015625f, 2.015625f);
        assertThat(k.change()[0]).isEqualTo(1 - 1 / 2.015625, org.assertj.core.api.Assertions.within(1e-6));
        assertThat(curves.stableSince(Role.KEY)).isEqualTo(20);
        assertThat(curves.stableSince(Role.VALUE)).isEqualTo(10);
        assertThat(curves.stableSince()).isEqualTo(20);
        assertThat(curves.verdict()).isEqualTo("all scales are stable since 20 of 80 tokens within 1 %");
        assertThat(curves.ofAvailable(9).verdict()).endsWith("within 1 %; used 4 of 9 samples");
    }

    @Test
    void aChangeInTheLastDoublingIsThinEvidence() {
        CurveRecorder recorder = recorder(QuantizationScheme.fp8());
        add(10, 1, 4);
        recorder.add(part());
        assertThat(recorder.curves().isStable()).isFalse();
        assertThat(recorder.curves().verdict()).startsWith("thin evidence: 1 sample is too few to tell");
        add(10, 1, 4.25);
        recorder.add(part());
        Convergence curves = recorder.curves();
        assertThat(curves.stableSince(Role.KEY)).isEqualTo(10);
        assertThat(curves.isStable()).isFalse();
        assertThat(curves.verdict())
                .isEqualTo("thin evidence: from 10 to 20 tokens the scales of 1 of 2 slots changed by more than 1 %,"
                        + " those of layer 0 value by 5.9 %; calibrate on more of the kind that will be served");
    }

    /** Otherwise the last samples of a corpus would be compared with nearly themselves. */
    @Test
    void partsThatAreNearlyAsLargeAsTheNextDoNotCount() {
        CurveRecorder recorder = recorder(QuantizationScheme.fp8());
        for (int tokens : new int[] {0, 8, 5, 4, 8}) {
            if (tokens > 0) {
                add(tokens, 1, 1);
            }
            recorder.add(part());
        }
        // Of 8, 13, 17 and 25 tokens: 17 is 68 % of 25, 13 is 76 % of 17.
        assertThat(recorder.curves().sizes().stream().map(PartSize::tokens)).containsExactly(8L, 17L, 25L);
    }

    /** The error of fp8 hardly depends on the scale, so mse finds scales that are far apart and equally good. */
    @Test
    void observersThatCompareErrorsAreJudgedByTheError() {
        QuantizationScheme scheme = QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.TENSOR, true, new Mse());
        CurveRecorder recorder = recorder(scheme);
        Random random = new Random(4);
        SlotStatistics first = new SlotStatistics(GEOMETRY, null, StatisticsKind.HISTOGRAM.tables());
        for (int tokens : new int[] {100, 100}) {
            add(K, StatisticsKind.HISTOGRAM, tokens, random::nextGaussian);
            recorder.add(part());
            if (first.isEmpty()) {
                first.merge(slots.get(K));
            }
        }
        SlotStatistics all = slots.get(K);
        SlotError best = SlotError.of(all, scheme);
        ScaleSet early = ScaleSet.derive(first, scheme);
        SlotError then = SlotError.of(all, scheme, early.scales(), early.zeroPoints());
        double difference =
                Math.abs(early.scales()[0] / ScaleSet.derive(all, scheme).scales()[0] - 1);
        double excess = then.noise() / best.noise() - 1;
        assertThat(excess).isBetween(0.0, difference / 4);
        SlotCurve curve = recorder.curves().worstFirst().get(0);
        assertThat(curve.lastChange()).isEqualTo(excess);
        assertThat(curve.hasPercentiles()).isTrue();
        assertThat(curve.p9999()[1]).isLessThanOrEqualTo(curve.absmax()[1]);
    }
}
