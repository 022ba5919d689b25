package io.kvscale.job.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.quant.search.Mse;
import io.kvscale.quant.search.Percentile;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Drift against values taken one by one, its laws, and its limits. */
class DriftTest {
    private static final Geometry GEOMETRY = new Geometry(Dtype.BF16, 2, 16);
    private static final DriftLimits NONE = new DriftLimits(null, null);
    private static final Slot KEY = new Slot(0, Role.KEY);

    static List<QuantizationScheme> schemes() {
        List<QuantizationScheme> schemes = new ArrayList<>();
        for (Strategy strategy : List.of(Strategy.TENSOR, Strategy.ATTN_HEAD)) {
            for (Observer observer : List.of(new StaticMinMax(), new Percentile(99), new Mse())) {
                for (NumberFormat format : NumberFormat.values()) {
                    schemes.add(QuantizationScheme.of(format, strategy, true, observer));
                }
                schemes.add(QuantizationScheme.of(NumberFormat.INT8, strategy, false, observer));
                schemes.add(QuantizationScheme.of(NumberFormat.FP8_E4M3, strategy, false, observer));
            }
        }
        schemes.add(new QuantizationScheme(
                NumberFormat.INT8, Strategy.TENSOR, 0, true, new StaticMinMax(), ScaleDtype.INPUT));
        return schemes;
    }

    /** Normally distributed values of 2 heads; head 1 is twice as large. */
    private static float[] normal(long seed, double scale, double shift, int tokens) {
        Random random = new Random(seed);
        float[] values = new float[tokens * GEOMETRY.channels()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) ((random.nextGaussian() * scale + shift) * (1 + i / 16 % 2));
        }
        return values;
    }

    private static Sampled old() {
        return Sampled.of(GEOMETRY).with(0, Role.KEY, normal(1, 1, 0.2, 40)).with(0, Role.VALUE, normal(2, 1, 0, 40));
    }

    private static Sampled now() {
        return Sampled.of(GEOMETRY)
                .with(0, Role.KEY, normal(3, 1.5, -0.3, 50))
                .with(0, Role.VALUE, normal(4, 0.8, 0, 50));
    }

    private static Drift drift(
            ScaleTable scales, Sampled older, Sampled newer, StatisticsKind kind, DriftLimits limits) {
        return Drift.of(scales, older.named("old", kind), newer.named("new", kind), limits);
    }

    @ParameterizedTest
    @MethodSource("schemes")
    void everyFigureIsThatOfTheValuesOneByOne(QuantizationScheme scheme) {
        Sampled older = old();
        Sampled newer = now();
        ScaleTable deployed = older.scales(scheme);
        ScaleTable fitted = newer.scales(scheme);
        Drift drift = drift(deployed, older, newer, StatisticsKind.HISTOGRAM, NONE);
        assertThat(drift.slots()).hasSize(2);
        for (SlotDrift found : drift.slots()) {
            SlotScales scales = deployed.slots().get(found.slot());
            float[] before = older.values().get(found.slot());
            float[] after = newer.values().get(found.slot());
            assertThat(found.from().clippedShare()).isEqualTo(clippedOneByOne(before, scales));
            assertThat(found.to().clippedShare()).isEqualTo(clippedOneByOne(after, scales));
            assertThat(found.deployedDb()).isCloseTo(sqnrOneByOne(after, scales), within(1e-9));
            assertThat(found.fittedDb())
                    .isCloseTo(sqnrOneByOne(after, fitted.slots().get(found.slot())), within(1e-9));
            assertThat(found.lossDb()).isEqualTo(found.fittedDb() - found.deployedDb());
            assertThat(found.absmax()).isEqualTo(new Change(percentile(before, 1), percentile(after, 1)));
            double[] shares = {0.99, 0.999, 0.9999};
            for (int p = 0; p < shares.length; p++) {
                assertThat(found.percentiles().get(p))
                        .isEqualTo(new Change(percentile(before, shares[p]), percentile(after, shares[p])));
            }
            assertThat(found.distance()).isCloseTo(distanceOneByOne(before, after), within(1e-12));
        }
    }

    private static QuantParameters parameters(SlotScales scales, int i) {
        int head = scales.scale().length == 1 ? 0 : i / 16 % 2;
        return new QuantParameters(scales.scale()[head], scales.zeroPoint()[head]);
    }

    /** A value is clipped if its error is more than that of rounding near the last number, and of rounding the scale. */
    private static double clippedOneByOne(float[] values, SlotScales scales) {
        NumberFormat format = scales.scheme().format();
        double half = format.isInteger() ? 0.5 : (format.max() - nextBelow(format)) / 2;
        double rounding = 1 + scales.scheme().step(GEOMETRY).epsilon();
        long clipped = 0;
        for (int i = 0; i < values.length; i++) {
            QuantParameters parameters = parameters(scales, i);
            double most = (format.max() + half - parameters.zeroPoint()) * parameters.scale() * rounding;
            double least = (format.min() - half - parameters.zeroPoint()) * parameters.scale() * rounding;
            clipped += values[i] > most || values[i] < least ? 1 : 0;
        }
        return clipped / (double) values.length;
    }

    private static float nextBelow(NumberFormat format) {
        float below = format.max();
        while (format.round(below) == format.max()) {
            below = Math.nextDown(below);
        }
        return format.round(below);
    }

    private static double sqnrOneByOne(float[] values, SlotScales scales) {
        double signal = 0;
        double noise = 0;
        Dtype step = scales.scheme().step(GEOMETRY);
        for (int i = 0; i < values.length; i++) {
            QuantParameters parameters = parameters(scales, i);
            float q = parameters.quantize(values[i], scales.scheme().format(), step);
            double error = parameters.unrounded(q, step) - (double) values[i];
            signal += (double) values[i] * values[i];
            noise += error * error;
        }
        return 10 * Math.log10(signal / noise);
    }

    private static float percentile(float[] values, double share) {
        float[] sizes = new float[values.length];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = Math.abs(values[i]);
        }
        Arrays.sort(sizes);
        return sizes[(int) Math.ceil(share * sizes.length - 1e-6) - 1];
    }

    private static double distanceOneByOne(float[] a, float[] b) {
        double greatest = 0;
        for (float[] points : List.of(a, b)) {
            for (float x : points) {
                greatest = Math.max(greatest, Math.abs(upTo(a, x) - upTo(b, x)));
            }
        }
        return greatest;
    }

    private static double upTo(float[] values, float x) {
        int count = 0;
        for (float value : values) {
            count += value <= x ? 1 : 0;
        }
        return count / (double) values.length;
    }

    @ParameterizedTest
    @MethodSource("schemes")
    void equalStatisticsHaveNoDrift(QuantizationScheme scheme) {
        for (StatisticsKind kind : List.of(StatisticsKind.RANGE, StatisticsKind.HISTOGRAM)) {
            Drift drift = drift(old().scales(scheme), old(), old(), kind, NONE);
            for (SlotDrift slot : drift.slots()) {
                assertThat(slot.to().clippedShare()).isEqualTo(slot.from().clippedShare());
                assertThat(slot.to().reach()).isEqualTo(slot.from().reach());
                assertThat(slot.absmax().relative()).isZero();
                boolean counted = kind.histograms();
                assertThat(slot.percentiles()).hasSize(counted ? 3 : 0).allMatch(change -> change.relative() == 0);
                assertThat(slot.distance()).isEqualTo(counted ? (Double) 0.0 : null);
                assertThat(slot.lossDb()).isEqualTo(counted ? (Double) 0.0 : null);
                if (scheme.observer() instanceof StaticMinMax) {
                    assertThat(slot.to().clippedShare()).isZero();
                }
            }
        }
    }

    @Test
    void twiceTheSameDataIsNoDrift() {
        NamedStatistics twice = now().named("new", StatisticsKind.HISTOGRAM);
        twice.content().merge(now().statistics(StatisticsKind.HISTOGRAM));
        Drift drift = Drift.of(
                now().scales(QuantizationScheme.fp8()), now().named("old", StatisticsKind.HISTOGRAM), twice, NONE);
        assertThat(drift.slots()).allSatisfy(slot -> {
            assertThat(slot.distance()).isZero();
            assertThat(slot.lossDb()).isCloseTo(0, within(1e-12));
            assertThat(slot.percentiles()).allMatch(change -> change.relative() == 0);
        });
    }

    @Test
    void theOrderOfMergesDoesNotMatter() {
        List<CalibrationStatistics> parts = new ArrayList<>();
        List<String> found = new ArrayList<>();
        for (int order = 0; order < 6; order++) {
            parts.clear();
            for (int part = 0; part < 5; part++) {
                parts.add(Sampled.of(GEOMETRY)
                        .with(0, Role.KEY, normal(part, 1 + part, 0, 7))
                        .with(0, Role.VALUE, normal(part + 50, 1, part, 7))
                        .statistics(StatisticsKind.HISTOGRAM));
            }
            Collections.shuffle(parts, new Random(order));
            CalibrationStatistics merged = new CalibrationStatistics();
            parts.forEach(merged::merge);
            Drift drift = Drift.of(
                    old().scales(QuantizationScheme.fp8()),
                    old().named("old", StatisticsKind.HISTOGRAM),
                    new NamedStatistics("new", merged),
                    new DriftLimits(0.001, 0.5));
            found.add(DriftJson.of(Map.of(), "", drift));
        }
        assertThat(found).allMatch(found.get(0)::equals);
        assertThat(found.get(0)).contains("\"drifted\" : true");
    }

    /** 3200 values: {@code beyond} of them are 30, the others 1 and -1, and the scales are for 8. */
    private static Drift beyond(int beyond, DriftLimits limits) {
        float[] values = new float[3200];
        float[] eight = new float[3200];
        for (int i = 0; i < values.length; i++) {
            values[i] = i < beyond ? 30 : i % 2 == 0 ? 1 : -1;
            eight[i] = i % 2 == 0 ? 8 : -8;
        }
        Sampled older = Sampled.of(GEOMETRY).with(0, Role.KEY, eight);
        return drift(
                older.scales(QuantizationScheme.fp8()),
                older,
                Sampled.of(GEOMETRY).with(0, Role.KEY, values),
                StatisticsKind.HISTOGRAM,
                limits);
    }

    @ParameterizedTest
    @CsvSource({"32, 0.01, false", "33, 0.01, true", "0, 0, false", "1, 0, true", "3200, 1, false"})
    void aShareAtItsLimitDoesNotExceedIt(int beyond, double limit, boolean drifted) {
        Drift drift = beyond(beyond, new DriftLimits(limit, null));
        assertThat(drift.slots().get(0).to().clippedShare()).isEqualTo(beyond / 3200.0);
        assertThat(drift.isDrifted()).isEqualTo(drifted);
        assertThat(drift.exceeding()).hasSize(drifted ? 1 : 0);
    }

    @Test
    void aLossAtItsLimitDoesNotExceedIt() {
        double loss = Objects.requireNonNull(beyond(33, NONE).slots().get(0).lossDb());
        assertThat(loss).isPositive();
        assertThat(beyond(33, new DriftLimits(null, loss)).isDrifted()).isFalse();
        assertThat(beyond(33, new DriftLimits(null, Math.nextDown(loss))).isDrifted())
                .isTrue();
        assertThat(beyond(0, new DriftLimits(0.0, 0.0)).isDrifted()).isFalse();
    }

    @Test
    void minusZeroAndZeroAreOneNumber() {
        Sampled plus = Sampled.of(GEOMETRY).with(0, Role.KEY, new float[32]);
        float[] zeros = new float[32];
        Arrays.fill(zeros, 0, 16, -0f);
        Sampled minus = Sampled.of(GEOMETRY).with(0, Role.KEY, zeros);
        Drift drift = drift(
                plus.scales(QuantizationScheme.fp8()),
                plus,
                minus,
                StatisticsKind.HISTOGRAM,
                new DriftLimits(0.0, 0.0));
        SlotDrift slot = drift.slots().get(0);
        assertThat(slot.distance()).isZero();
        assertThat(slot.absmax().relative()).isZero();
        assertThat(slot.lossDb()).isZero();
        assertThat(drift.isDrifted()).isFalse();
        assertThat(new Change(0, 1).relative()).isNull();
    }

    @Test
    void disjointValuesHaveDistanceOne() {
        float[] ones = new float[64];
        float[] twos = new float[32];
        Arrays.fill(ones, 1);
        Arrays.fill(twos, 2);
        Sampled older = Sampled.of(GEOMETRY).with(0, Role.KEY, ones);
        Sampled newer = Sampled.of(GEOMETRY).with(0, Role.KEY, twos);
        ScaleTable scales = older.scales(QuantizationScheme.fp8());
        assertThat(drift(scales, older, newer, StatisticsKind.HISTOGRAM, NONE)
                        .slots()
                        .get(0)
                        .distance())
                .isEqualTo(1);
        assertThat(drift(scales, newer, older, StatisticsKind.HISTOGRAM, NONE)
                        .slots()
                        .get(0)
                        .distance())
                .isEqualTo(1);
    }

    @Test
    void rangesTellWhatRangesAllow() {
        ScaleTable scales = old().scales(QuantizationScheme.fp8());
        Drift drift = drift(scales, old(), now(), StatisticsKind.RANGE, NONE);
        SlotDrift key = drift.slots().get(0);
        assertThat(key.from().clippedShare()).isZero();
        assertThat(key.to().clippedShare()).isNull();
        assertThat(key.to().reach()).isGreaterThan(1.1);
        assertThat(key.absmax().relative()).isGreaterThan(0.1);
        assertThat(key.deployedDb()).isNull();
        assertThat(key.lossDb()).isNull();
        SlotDrift value = drift.slots().get(1);
        assertThat(value.to().clippedShare()).isZero();
        fails(
                () -> drift(scales, old(), now(), StatisticsKind.RANGE, new DriftLimits(null, 90.0)),
                "--fail-sqnr-loss cannot be decided, because the SQNR is not known without histograms",
                "file new, layer 0 key",
                "statistics: histogram");
        fails(
                () -> drift(scales, old(), now(), StatisticsKind.RANGE, new DriftLimits(0.5, null)),
                "--fail-saturated cannot be decided",
                "without histograms",
                "file new, layer 0 key");
        // Some values are beyond, and no value may be.
        assertThat(drift(scales, old(), now(), StatisticsKind.RANGE, new DriftLimits(0.0, null))
                        .exceeding())
                .extracting(SlotDrift::slot)
                .containsExactly(KEY);
        assertThat(drift(scales, old(), old(), StatisticsKind.RANGE, new DriftLimits(0.0, null))
                        .isDrifted())
                .isFalse();
    }

    @Test
    void newerHistogramsAreUsedWithoutOlderOnes() {
        Drift drift = Drift.of(
                old().scales(QuantizationScheme.fp8()),
                old().named("old", StatisticsKind.RANGE),
                now().named("new", StatisticsKind.HISTOGRAM),
                new DriftLimits(0.001, 90.0));
        SlotDrift key = drift.slots().get(0);
        assertThat(key.to().clippedShare()).isPositive();
        assertThat(key.lossDb()).isPositive();
        assertThat(key.distance()).isNull();
        assertThat(key.percentiles()).isEmpty();
        assertThat(drift.isDrifted()).isTrue();
    }

    @Test
    void sharesOfChannelsAreKnownOnlyWithoutClippedValues() {
        QuantizationScheme channel = QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL);
        ScaleTable scales = old().scales(channel);
        Drift drift = drift(scales, old(), now(), StatisticsKind.HISTOGRAM, NONE);
        assertThat(drift.slots().get(0).to().clippedShare()).isNull();
        assertThat(drift.slots().get(0).from().clippedShare()).isZero();
        assertThat(drift.slots().get(0).distance()).isPositive();
        fails(
                () -> drift(scales, old(), now(), StatisticsKind.HISTOGRAM, new DriftLimits(0.5, null)),
                "with strategy channel",
                "leave --fail-saturated out");
        fails(
                () -> drift(scales, old(), old(), StatisticsKind.HISTOGRAM, new DriftLimits(null, 1.0)),
                "with strategy channel",
                "leave --fail-sqnr-loss out");
    }

    @Test
    void aSlotThatExceedsForSureDecides() {
        Sampled older = old();
        ScaleTable fp8 = older.scales(QuantizationScheme.fp8());
        ScaleTable channel = older.scales(QuantizationScheme.of(NumberFormat.INT8, Strategy.CHANNEL));
        Map<Slot, SlotScales> mixed = new TreeMap<>(fp8.slots());
        mixed.put(new Slot(0, Role.VALUE), channel.slots().get(new Slot(0, Role.VALUE)));
        ScaleTable table = new ScaleTable(fp8.scheme(), fp8.corpus(), new TreeMap<>(mixed));
        Sampled newer = now().with(0, Role.VALUE, normal(9, 3, 0, 50));
        DriftLimits limits = new DriftLimits(0.001, null);
        assertThat(drift(table, older, newer, StatisticsKind.HISTOGRAM, limits).exceeding())
                .extracting(SlotDrift::slot)
                .containsExactly(KEY);
        fails(() -> drift(table, older, newer, StatisticsKind.HISTOGRAM, new DriftLimits(0.9, null)), "layer 0 value");
    }

    @Test
    void codesThatReachOneSideOnlyAreInfinitelyExceeded() {
        float[] positive = normal(1, 1, 0, 40);
        for (int i = 0; i < positive.length; i++) {
            positive[i] = Math.abs(positive[i]);
        }
        Sampled older = Sampled.of(GEOMETRY).with(0, Role.KEY, positive);
        Sampled newer = Sampled.of(GEOMETRY).with(0, Role.KEY, normal(2, 1, 0, 40));
        QuantizationScheme scheme =
                QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR, false, new StaticMinMax());
        Drift drift = drift(older.scales(scheme), older, newer, StatisticsKind.RANGE, NONE);
        assertThat(drift.slots().get(0).to().reach()).isInfinite();
        assertThat(DriftJson.of(Map.of(), "", drift)).contains("\"to\" : null").doesNotContain("Infinity", "NaN");
        assertThat(DriftSummary.of(drift)).contains("layer 0 K: a side of 0 without codes (1 times the last number");
    }

    @Test
    void whatDoesNotFitIsRefusedByName() {
        QuantizationScheme fp8 = QuantizationScheme.fp8();
        ScaleTable scales = old().scales(fp8);
        Sampled keys = Sampled.of(GEOMETRY).with(0, Role.KEY, normal(1, 1, 0, 40));
        Sampled more = now().with(1, Role.KEY, normal(1, 1, 0, 40));
        Sampled wide = Sampled.of(new Geometry(Dtype.BF16, 1, 32))
                .with(0, Role.KEY, normal(1, 1, 0, 40))
                .with(0, Role.VALUE, normal(1, 1, 0, 40));
        Sampled half = Sampled.of(new Geometry(Dtype.F16, 2, 16))
                .with(0, Role.KEY, normal(1, 1, 0, 40))
                .with(0, Role.VALUE, normal(1, 1, 0, 40));
        StatisticsKind kind = StatisticsKind.HISTOGRAM;
        fails(() -> drift(scales, old(), keys, kind, NONE), "which old has", "file new, layer 0 value", "one model");
        fails(() -> drift(scales, old(), more, kind, NONE), "which new has", "file old, layer 1 key");
        fails(() -> drift(scales, keys, keys, kind, NONE), "the scales have this slot", "layer 0 value", "--scales");
        fails(
                () -> drift(scales, old(), wide, kind, NONE),
                "BF16, 1 heads, head_dim 32, and BF16, 2 heads, head_dim 16 in old",
                "file new, layer 0 key");
        fails(() -> drift(scales, old(), half, kind, NONE), "F16, 2 heads", "BF16, 2 heads");
        fails(() -> drift(scales, half, half, kind, NONE), "the scales are for BF16, 2 heads, head_dim 16", "--scales");
        fails(
                () -> drift(scales, old(), now().with(0, Role.KEY), kind, NONE),
                "no finite value",
                "file new, layer 0 key");
        ScaleTable batches = new ScaleTable(fp8, scales.corpus(), withObserver(scales, new MovingAverage()));
        fails(
                () -> drift(batches, old(), now(), kind, NONE),
                "the range of every batch that this observer",
                "file new, layer 0 key");
    }

    private static TreeMap<Slot, SlotScales> withObserver(ScaleTable table, Observer observer) {
        TreeMap<Slot, SlotScales> slots = new TreeMap<>();
        table.slots()
                .forEach((slot, s) -> slots.put(
                        slot,
                        new SlotScales(
                                QuantizationScheme.of(NumberFormat.FP8_E4M3, Strategy.TENSOR, true, observer),
                                s.geometry(),
                                s.scale(),
                                s.zeroPoint(),
                                s.rangeMin(),
                                s.rangeMax(),
                                s.min(),
                                s.max(),
                                s.count(),
                                s.nan(),
                                s.infinite(),
                                s.minSample(),
                                s.maxSample(),
                                s.error())));
        return slots;
    }

    @Test
    void slotsWithoutScalesAreNamed() {
        Sampled older = old().with(1, Role.KEY, normal(7, 1, 0, 40)).with(1, Role.VALUE, normal(8, 1, 0, 40));
        Drift drift = drift(old().scales(QuantizationScheme.fp8()), older, older, StatisticsKind.HISTOGRAM, NONE);
        assertThat(drift.slots()).hasSize(2);
        assertThat(drift.unscaled()).containsExactly(new Slot(1, Role.KEY), new Slot(1, Role.VALUE));
    }

    @Test
    void theWorstSlotsComeFirst() {
        Sampled older = old().with(1, Role.KEY, normal(7, 1, 0, 40)).with(1, Role.VALUE, normal(8, 1, 0, 40));
        Sampled newer = older.with(1, Role.VALUE, normal(8, 3, 0, 40)).with(0, Role.VALUE, normal(9, 2, 0, 40));
        ScaleTable scales = older.scales(QuantizationScheme.fp8());
        Drift drift = drift(scales, older, newer, StatisticsKind.HISTOGRAM, NONE);
        assertThat(drift.worstFirst())
                .extracting(SlotDrift::slot)
                .startsWith(new Slot(1, Role.VALUE), new Slot(0, Role.VALUE));
        assertThat(drift(scales, older, newer, StatisticsKind.RANGE, NONE).worstFirst())
                .extracting(SlotDrift::slot)
                .startsWith(new Slot(1, Role.VALUE), new Slot(0, Role.VALUE));
        assertThat(DriftSummary.of(drift))
                .startsWith("Deployed scales clip ")
                .contains(
                        " % of the values of layer 1 V (0 % before), the most of 2 slots, and lose ",
                        " dB in layer 1 V against scales fitted to the newer values.");
        assertThat(DriftSummary.of(drift(scales, older, older, StatisticsKind.HISTOGRAM, NONE)))
                .isEqualTo("Deployed scales clip nothing, and lose 0.0 dB against scales fitted to the newer values.");
        assertThat(DriftSummary.of(drift(scales, older, newer, StatisticsKind.HISTOGRAM, new DriftLimits(0.0, 90.0))))
                .contains(" Drifted: 2 of 4 slots exceed a limit: layer 1 value (clips ", " %), layer 0 value (clips ");
        assertThat(DriftSummary.of(drift(scales, older, older, StatisticsKind.HISTOGRAM, new DriftLimits(0.0, 0.0))))
                .endsWith(" Not drifted: no slot exceeds a limit.");
    }

    private static void fails(ThrowingCallable call, String... parts) {
        assertThatThrownBy(call)
                .isInstanceOf(InvalidDataException.class)
                .satisfies(e -> assertThat(parts)
                        .allSatisfy(part -> assertThat(e.getMessage()).contains(part)))
                .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(3));
    }
}
