package io.kvscale.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.BatchPolicy;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.Range;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.search.LastBatch;
import io.kvscale.quant.search.MovingAverage;
import io.kvscale.quant.search.Mse;
import io.kvscale.quant.search.Percentile;
import io.kvscale.quant.search.ShrinkGrid;
import io.kvscale.quant.search.StaticMinMax;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.Observer;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Scales that clip, or have a large error, are refused or named in a warning. */
class ScaleQualityTest {
    private static final Geometry GEOMETRY = new Geometry(Dtype.F16, 2, 16);
    private static final int VALUES = 32 * 1_000;
    private static final Slot KEY = new Slot(0, Role.KEY);

    private final Map<Slot, SlotStatistics> slots = new TreeMap<>();

    /** 320 values of 32,000 are 8, the others 1. */
    private static double onePercent(int i) {
        return i % 100 == 7 ? 8 : i % 2 == 0 ? 1 : -1;
    }

    @Test
    void clippedValuesAreCountedExactly() {
        SlotStatistics seen = slot(ScaleQualityTest::onePercent);
        assertThat(clipping(seen, scheme(NumberFormat.INT8, new Percentile(99))))
                .isEqualTo(new Clipping(320, VALUES));
        assertThat(clipping(seen, scheme(NumberFormat.FP8_E4M3, new Percentile(99))))
                .isEqualTo(new Clipping(320, VALUES));
        assertThat(clipping(seen, scheme(NumberFormat.INT8, new Percentile(99.01))))
                .isEqualTo(new Clipping(0, VALUES));
        assertThat(clipping(seen, nvfp4(GlobalScale.DIVISOR))).isEqualTo(new Clipping(320, VALUES));
        assertThat(clipping(seen, nvfp4(GlobalScale.MULTIPLIER))).isEqualTo(new Clipping(320, VALUES));
    }

    @Test
    void absmax448ClipsOnlyBeyondSixTimesTheRange() {
        for (double large : new double[] {6.9, 7.1}) {
            SlotStatistics seen = slot(i -> i % 200 == 7 ? large : i % 2 == 0 ? 1 : -1);
            QuantizationScheme scheme = nvfp4(GlobalScale.ABSMAX_448);
            ScaleSet set = ScaleSet.derive(seen, scheme);
            assertThat(set.scales()).containsExactly(1f / 448);
            Clipping clipping = Clipping.of(seen, set);
            assertThat(clipping).isNotNull();
            assertThat(clipping.clipped() > 0).isEqualTo(large > 7);
            assertThat(Excess.of(seen, set).isClipped(scheme.format())).isEqualTo(large > 7);
        }
    }

    private static QuantizationScheme nvfp4(GlobalScale convention) {
        return new QuantizationScheme(
                NumberFormat.FP4_E2M1,
                Strategy.TENSOR_GROUP,
                16,
                true,
                new Percentile(99),
                ScaleDtype.FLOAT32,
                convention);
    }

    @ParameterizedTest
    @CsvSource({"INT8,127.49,0", "INT8,127.7,320", "INT4,7.49,0", "INT4,7.51,320", "FP8_E4M3,463,0", "FP8_E4M3,465,320"
    })
    void theErrorOfRoundingIsNoClipping(NumberFormat format, double large, long clipped) {
        // A scale of exactly 1: the other values are the greatest that the format covers.
        float most = format.isInteger() ? format.max() + 0.5f : format.max();
        SlotStatistics seen = slot(i -> i % 100 == 7 ? large : -most);
        ScaleSet set =
                ScaleSet.derive(slot(i -> i % 2 == 0 ? most : -most), QuantizationScheme.of(format, Strategy.TENSOR));
        ScaleSet applied =
                new ScaleSet(set.scheme(), set.geometry(), set.parameters(), new Range[] {new Range(-most, 0)});
        assertThat(set.scales()).containsExactly(1f);
        Clipping found = Clipping.of(seen, applied);
        assertThat(found).isNotNull();
        assertThat(found.clipped() > 0).isEqualTo(clipped > 0);
    }

    @ParameterizedTest
    @EnumSource
    void theRangeOfAllValuesClipsNothing(NumberFormat format) {
        Random random = new Random(1);
        SlotStatistics seen = slot(i -> random.nextGaussian());
        for (ScaleDtype dtype : ScaleDtype.values()) {
            QuantizationScheme scheme =
                    new QuantizationScheme(format, Strategy.ATTN_HEAD, 0, true, new StaticMinMax(), dtype);
            assertThat(clipping(seen, scheme)).isEqualTo(new Clipping(0, VALUES));
        }
    }

    @Test
    void moreThanTheRecipeAllowsIsRefused() {
        add(ScaleQualityTest::onePercent);
        QuantizationScheme scheme = scheme(NumberFormat.INT8, new Percentile(99));
        // Exactly 1 % is not more than 1 %.
        assertThat(warnings(scheme, 1).get(0))
                .startsWith("clipped values: in 2 of 2 slots the scales clip more than 0.01 % of the values")
                .contains("the most in layer 0 key: 320 of 32000 values (1 %), SQNR ", "percentile", "static_minmax");
        assertThatThrownBy(() -> warnings(scheme, 0.99))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContainingAll(
                        "the scales clip 320 of 32000 values (1 %), and 0.99 % are allowed",
                        "SQNR ", "observer percentile {percentile=99.0}; 2 of 2 slots", "layer 0 key", "max_saturated")
                // Values of any file may be clipped.
                .hasMessageNotContainingAny("file ", "sample ");
        assertThatThrownBy(() -> ScaleSolver.solve(
                        KEY,
                        slot(i -> i % 50 == 7 ? 8 : i % 2 == 0 ? 1 : -1),
                        scheme(NumberFormat.INT8, new Percentile(95)),
                        Remedies.RECIPE))
                .hasMessageContaining("the scales clip 640 of 32000 values (2 %), and 1 % are allowed");
    }

    @Test
    void withoutHistogramsNothingIsSaid() {
        SlotStatistics seen = new SlotStatistics(GEOMETRY, null, StatisticsKind.RANGE.tables());
        update(seen, ScaleQualityTest::onePercent);
        slots.put(KEY, seen);
        slots.put(new Slot(0, Role.VALUE), seen);
        assertThat(warnings(QuantizationScheme.fp8(), 0)).noneMatch(w -> w.contains("values:"));
    }

    @ParameterizedTest
    @EnumSource(names = {"TENSOR", "ATTN_HEAD", "CHANNEL"})
    void withoutHistogramsTheLargestValueTellsOfClipping(Strategy strategy) {
        for (Observer observer : new Observer[] {new MovingAverage(), new LastBatch(), new StaticMinMax()}) {
            QuantizationScheme scheme = QuantizationScheme.of(NumberFormat.INT8, strategy, true, observer);
            for (double first : new double[] {2.1, 1.01, 1.003}) {
                BatchPolicy policy = ScaleSet.policy(scheme, GEOMETRY);
                SlotStatistics seen = new SlotStatistics(GEOMETRY, policy, StatisticsKind.RANGE.tables());
                // The moving average begins with the first batch, the last batch is all that the other one knows.
                boolean last = observer instanceof LastBatch;
                update(seen, "a", i -> last && i == 777 ? -first : 1);
                update(seen, "b", i -> !last && i == 777 ? -first : 1);
                slots.put(KEY, seen);
                slots.put(new Slot(0, Role.VALUE), seen);
                List<String> warnings = warnings(scheme, 1);
                boolean clips = first > 1.005 && !(observer instanceof StaticMinMax);
                assertThat(solver(scheme, 1).clipsUncounted(statistics())).isEqualTo(clips && strategy.isByHeads());
                if (!clips) {
                    assertThat(warnings).noneMatch(w -> w.contains("clipped"));
                } else {
                    assertThat(warnings.get(0))
                            .startsWith("clipped values: in 2 of 2 slots the largest values are beyond what the scales")
                            .contains("the most in layer 0 key: a value of -" + first + ", the range ends at -1")
                            .contains("observer " + observer.word());
                    assertThat(warnings.get(0).contains("statistics: histogram"))
                            .isEqualTo(strategy.isByHeads());
                }
            }
        }
    }

    @Test
    void clippingThatMakesTheErrorSmallerIsFine() {
        // Of four bits, most are lost to a few large values.
        Random random = new Random(2);
        IntToDoubleFunction tailed = i -> random.nextGaussian() * (i % 1_000 == 7 ? 4 : 1);
        add(tailed);
        for (Observer observer : new Observer[] {new Mse(), new Percentile(99.95)}) {
            QuantizationScheme scheme = scheme(NumberFormat.INT4, observer);
            assertThat(clipping(Objects.requireNonNull(slots.get(KEY)), scheme).percent())
                    .isGreaterThan(0.02);
            assertThat(warnings(scheme, 0)).noneMatch(w -> w.startsWith("clipped values"));
        }
    }

    @Test
    void aLowSignalToNoiseRatioIsAWarning() {
        QuantizationScheme scheme = scheme(NumberFormat.INT4, new StaticMinMax());
        Random random = new Random(2);
        add(i -> i == 5 ? 100 : random.nextGaussian());
        assertThat(warnings(scheme, 1).get(0))
                .startsWith("large errors: in 2 of 2 slots the SQNR is below 10 dB; the lowest in layer 0 ")
                .contains(" dB, observer static_minmax", "mse");
    }

    @Test
    void anAsymmetricRangeMayClipAtEitherEnd() {
        for (int sign : new int[] {-1, 1}) {
            QuantizationScheme scheme =
                    QuantizationScheme.of(NumberFormat.INT8, Strategy.TENSOR, false, new LastBatch());
            BatchPolicy policy = ScaleSet.policy(scheme, GEOMETRY);
            SlotStatistics seen = new SlotStatistics(GEOMETRY, policy, StatisticsKind.RANGE.tables());
            update(seen, "a", i -> i % 2 == 0 ? -0.5 * sign : 4 * sign);
            update(seen, "b", i -> i % 2 == 0 ? -0.25 * sign : 4 * sign);
            slots.put(KEY, seen);
            slots.put(new Slot(0, Role.VALUE), seen);
            assertThat(warnings(scheme, 1).get(0))
                    .contains("a value of " + (sign < 0 ? "0.5" : "-0.5") + ", the range");
        }
    }

    @Test
    void valuesAreCountedInOtherStatisticsOfTheCorpus() {
        QuantizationScheme scheme = scheme(NumberFormat.INT8, new LastBatch());
        BatchPolicy policy = ScaleSet.policy(scheme, GEOMETRY);
        Map<Slot, SlotStatistics> counted = new TreeMap<>();
        for (StatisticsKind kind : List.of(StatisticsKind.RANGE, StatisticsKind.HISTOGRAM)) {
            SlotStatistics seen = new SlotStatistics(GEOMETRY, policy, kind.tables());
            update(seen, "a", i -> i % 50 == 7 ? 4 : 1);
            update(seen, "b", i -> 1);
            for (Role role : Role.CACHED) {
                (!kind.histograms() ? slots : counted).put(new Slot(0, role), seen);
            }
        }
        CalibrationStatistics histograms = new CalibrationStatistics(Corpus.EMPTY, counted);
        ScaleSolver.Solution solution = solver(scheme, 1).solve(statistics(), histograms, null, true);
        assertThat(solution.warnings().get(0)).contains("layer 0 key: 640 of 64000 values (1 %), SQNR ");
        assertThat(solution.table().slots().values()).allMatch(slot -> slot.error() == null);
        assertThatThrownBy(() -> solver(scheme, 0.5).solve(statistics(), histograms, null, true))
                .hasMessageContaining("the scales clip 640 of 64000 values (1 %)");
    }

    @Test
    void mseIsExemptOnlyWhereItKeepsItsPromise() {
        Random random = new Random(2);
        add(i -> i % 100 == 7 ? 8 : random.nextGaussian());
        Observer low = new Mse(0.5, new ShrinkGrid(0.9, 10, 1));
        assertThatThrownBy(() -> warnings(scheme(NumberFormat.INT8, low), 0.5))
                .hasMessageContainingAll("the scales clip ", "observer mse {norm=0.5", "mse without kwargs");
        assertThat(warnings(scheme(NumberFormat.INT8, new Mse()), 0)).noneMatch(w -> w.startsWith("clipped values"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "static_minmax | Take more bits or a finer strategy, or observer: mse",
                "mse | Take more bits or a finer strategy",
                "mse 0.5 | Take more bits or a finer strategy, or observer: mse without observer_kwargs"
            })
    void theRemedyOfLargeErrorsIsNotWhatTheRecipeHas(String observer, String remedy) {
        Random random = new Random(2);
        add(i -> i == 5 ? 100 : random.nextGaussian());
        Observer given =
                observer.equals("mse 0.5") ? new Mse(0.5) : observer.equals("mse") ? new Mse() : new StaticMinMax();
        String warning = warnings(scheme(NumberFormat.INT4, given), 100).stream()
                .filter(w -> w.startsWith("large errors"))
                .findFirst()
                .orElseThrow();
        assertThat(warning).endsWith(remedy);
    }

    private void add(IntToDoubleFunction values) {
        for (Role role : Role.CACHED) {
            slots.put(new Slot(0, role), slot(values));
        }
    }

    private List<String> warnings(QuantizationScheme scheme, double maxSaturated) {
        return solver(scheme, maxSaturated).solve(statistics(), null).warnings();
    }

    private static ScaleSolver solver(QuantizationScheme scheme, double maxSaturated) {
        return new ScaleSolver(
                SlotSchemes.of(scheme),
                layer -> true,
                new Tolerances(false, false, false, false, maxSaturated, false, null));
    }

    private CalibrationStatistics statistics() {
        return new CalibrationStatistics(Corpus.EMPTY, slots);
    }

    private static QuantizationScheme scheme(NumberFormat format, Observer observer) {
        return QuantizationScheme.of(format, Strategy.TENSOR, true, observer);
    }

    private static Clipping clipping(SlotStatistics seen, QuantizationScheme scheme) {
        return Objects.requireNonNull(Clipping.of(seen, ScaleSet.derive(seen, scheme)));
    }

    private static SlotStatistics slot(IntToDoubleFunction values) {
        SlotStatistics seen = new SlotStatistics(GEOMETRY, null, StatisticsKind.HISTOGRAM.tables());
        update(seen, values);
        return seen;
    }

    private static void update(SlotStatistics seen, IntToDoubleFunction values) {
        update(seen, "f", values);
    }

    private static void update(SlotStatistics seen, String file, IntToDoubleFunction values) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * VALUES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < VALUES; i++) {
            bytes.putShort((short) Dtype.F16.fromFloat((float) values.applyAsDouble(i)));
        }
        KvSource source = new KvSource(file, 0, "s", GEOMETRY, 1, VALUES / 32, false, null);
        seen.update(new Position(source, 0), bytes.flip());
    }
}
