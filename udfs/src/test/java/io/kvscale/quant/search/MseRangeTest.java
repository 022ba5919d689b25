package io.kvscale.quant.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ScaleDtype;
import io.kvscale.scheme.Strategy;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class MseRangeTest {
    private static final int BRUTE = 2_000;

    /** The same search on the grid of ONNX Runtime: absmax/128, absmax/8. */
    @ParameterizedTest
    @EnumSource(
            value = NumberFormat.class,
            names = {"INT8", "INT4"})
    void theSearchOfAnotherGridTriesItsScales(NumberFormat format) {
        for (Dtype step : new Dtype[] {Dtype.F32, Dtype.BF16}) {
            for (Counted.Shape shape : Counted.Shape.values()) {
                Counted values = Counted.of(shape, 400, 7);
                float largest = Math.max(-values.range().min(), values.range().max());
                QuantParameters found = onLowestCode(values, format, step, null);
                double best = Double.POSITIVE_INFINITY;
                for (int i = 1; i <= BRUTE; i++) {
                    float m = step.round((float) (largest * 2 * Math.pow(2, -12.0 * i / BRUTE)));
                    float scale = step.round(m / -format.min());
                    best = Math.min(best, error(values.counts(), new QuantParameters(scale, 0), format, step, 2.4));
                }
                assertThat(error(values.counts(), found, format, step, 2.4)).isLessThanOrEqualTo(best * (1 + 1e-3));

                List<Float> candidates = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    float p = (float) (1 - i / 100.0);
                    Range range = new Range(
                            step.round(step.round(values.range().min()) * p),
                            step.round(step.round(values.range().max()) * p));
                    candidates.add(step.round(Math.max(-range.min(), range.max()) / -format.min()));
                }
                QuantParameters chosen = onLowestCode(values, format, step, ShrinkGrid.DEFAULT);
                assertThat(candidates).contains(chosen.scale());
                for (float scale : candidates) {
                    assertThat(error(values.counts(), chosen, format, step, 2.4))
                            .isLessThanOrEqualTo(
                                    error(values.counts(), new QuantParameters(scale, 0), format, step, 2.4)
                                            * (1 + 1e-12));
                }
            }
        }
    }

    private static QuantParameters onLowestCode(Counted values, NumberFormat format, Dtype step, ShrinkGrid grid) {
        QuantizationScheme scheme =
                new QuantizationScheme(format, Strategy.TENSOR, 0, true, new Mse(2.4, grid), ScaleDtype.FLOAT32);
        Range range = new Mse(2.4, grid).choose(values.counts(), values.range(), scheme, step, IntegerGrid.LOWEST_CODE);
        return QuantParameters.ofRange(range.min(), range.max(), format, true, step, IntegerGrid.LOWEST_CODE);
    }

    static Stream<Arguments> symmetric() {
        List<Arguments> cases = new ArrayList<>();
        for (Counted.Shape shape : Counted.Shape.values()) {
            for (NumberFormat format : NumberFormat.values()) {
                for (Dtype step : new Dtype[] {Dtype.F32, Dtype.BF16}) {
                    for (double norm : new double[] {2, 2.4, 1}) {
                        int size = step == Dtype.F32 ? 1_000 : 200;
                        cases.add(Arguments.of(Counted.of(shape, size, cases.size()), format, step, norm));
                    }
                }
            }
        }
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("symmetric")
    void theSymmetricOptimumEqualsBruteForce(Counted values, NumberFormat format, Dtype step, double norm) {
        double found = error(values, chosen(values, format, true, step, norm, null), format, true, step, norm);
        Range all = values.range();
        float largest = Math.max(-all.min(), all.max());
        double best = Double.POSITIVE_INFINITY;
        ValueCounts counts = values.counts();
        for (int i = 1; i <= BRUTE; i++) {
            // A logarithmic grid of scales, from far too small to twice too large.
            float m = step.round((float) (largest * 2 * Math.pow(2, -12.0 * i / BRUTE)));
            best = Math.min(best, error(counts, new Range(-m, m), format, true, step, norm));
        }
        assertThat(found).isLessThanOrEqualTo(best * (1 + 1e-3));
    }

    static Stream<Arguments> asymmetric() {
        List<Arguments> cases = new ArrayList<>();
        for (Counted.Shape shape : Counted.Shape.values()) {
            for (NumberFormat format :
                    new NumberFormat[] {NumberFormat.INT8, NumberFormat.INT4, NumberFormat.FP8_E4M3}) {
                for (Dtype step : new Dtype[] {Dtype.F32, Dtype.BF16}) {
                    cases.add(Arguments.of(Counted.of(shape, 300, cases.size()), format, step));
                }
            }
        }
        return cases.stream();
    }

    /** The local search is near the optimum, nearest with f32 steps. */
    @ParameterizedTest
    @MethodSource("asymmetric")
    void theAsymmetricOptimumIsNearBruteForce(Counted values, NumberFormat format, Dtype step) {
        double found = error(values, chosen(values, format, false, step, 2, null), format, false, step, 2);
        Range all = values.range();
        ValueCounts counts = values.counts();
        double best = Double.POSITIVE_INFINITY;
        double ofGrid = Double.POSITIVE_INFINITY;
        for (int i = 0; i <= 60; i++) {
            for (int j = 0; j <= 60; j++) {
                Range range = new Range(step.round(all.min() * (1 - i / 62f)), step.round(all.max() * (1 - j / 62f)));
                best = Math.min(best, error(counts, range, format, false, step, 2));
            }
        }
        for (int i = 0; i < 100; i++) {
            float p = (float) (1 - i / 100.0);
            Range range = new Range(step.round(all.min() * p), step.round(all.max() * p));
            ofGrid = Math.min(ofGrid, error(counts, range, format, false, step, 2));
        }
        assertThat(found).isLessThanOrEqualTo(best * (step == Dtype.F32 ? 1.001 : 1.03));
        assertThat(found).isLessThanOrEqualTo(ofGrid * (1 + 1e-9));
    }

    @ParameterizedTest
    @MethodSource("symmetric")
    void quickSumsAreWithinTheirTolerance(Counted values, NumberFormat format, Dtype step, double norm) {
        RangeError errors = new RangeError(values.counts(), format, true, step, norm);
        Range all = values.range();
        float largest = Math.max(-all.min(), all.max());
        for (float p : new float[] {1, 0.7f, 0.3f, 0.05f}) {
            Range range = new Range(step.round(all.min() * p), step.round(all.max() * p));
            QuantParameters parameters = QuantParameters.ofRange(range.min(), range.max(), format, true, step);
            double exact = errors.exact(parameters);
            double quick = errors.quick(parameters, Double.POSITIVE_INFINITY);
            // quick() has the unit of the power of two at or below the greatest value, exact() that of the greatest
            // value.
            double unit = Math.pow(Math.scalb(1.0, Math.getExponent(largest)) / largest, norm);
            assertThat(quick * unit)
                    .isBetween(exact * (1 - errors.tolerance()) - 1e-9, exact * (1 + errors.tolerance()) + 1e-9);
            assertThat(errors.precise(parameters)).isBetween(exact * (1 - 1e-12), exact * (1 + 1e-12));
            for (double limit : new double[] {quick / 2, quick / 1.2, quick}) {
                assertThat(errors.quick(parameters, limit)).isBetween(Math.min(limit, quick), quick);
            }
        }
    }

    @Test
    void onlyTheGivenCandidatesAreTried() {
        Counted values = Counted.of(Counted.Shape.HEAVY_TAILS, 5_000, 1);
        Range all = values.range();
        for (ShrinkGrid grid : List.of(new ShrinkGrid(0.2, 100, 1), new ShrinkGrid(0.9, 10, 1.5))) {
            Range chosen = chosen(values, NumberFormat.INT8, true, Dtype.F32, 2.4, grid);
            List<Range> candidates = new ArrayList<>();
            for (int i = 0; i < (int) (grid.maxshrink() * grid.grid()); i++) {
                float p = (float) (1 - i / grid.grid());
                candidates.add(new Range(all.min() * (float) grid.expand() * p, all.max() * (float) grid.expand() * p));
            }
            assertThat(candidates).contains(chosen);
            for (Range candidate : candidates) {
                assertThat(error(values, chosen, NumberFormat.INT8, true, Dtype.F32, 2.4))
                        .isLessThanOrEqualTo(error(values, candidate, NumberFormat.INT8, true, Dtype.F32, 2.4));
            }
        }
    }

    private static Range chosen(
            Counted values, NumberFormat format, boolean symmetric, Dtype step, double norm, ShrinkGrid grid) {
        QuantizationScheme scheme =
                new QuantizationScheme(format, Strategy.TENSOR, 0, symmetric, new Mse(norm, grid), ScaleDtype.FLOAT32);
        return ((Mse) scheme.observer()).choose(values.counts(), values.range(), scheme, step, IntegerGrid.HALF_WIDTH);
    }

    private static double error(
            Counted values, Range range, NumberFormat format, boolean symmetric, Dtype step, double norm) {
        return error(values.counts(), range, format, symmetric, step, norm);
    }

    private static double error(
            ValueCounts counts, Range range, NumberFormat format, boolean symmetric, Dtype step, double norm) {
        QuantParameters parameters = QuantParameters.ofRange(range.min(), range.max(), format, symmetric, step);
        return error(counts, parameters, format, step, norm);
    }

    private static double error(
            ValueCounts counts, QuantParameters parameters, NumberFormat format, Dtype step, double norm) {
        double sum = 0;
        for (int i = 0; i < counts.values().length; i++) {
            float x = counts.values()[i];
            float q = parameters.dequantize(parameters.quantize(x, format, step), step);
            double error = Math.abs((double) q - x);
            sum += counts.counts()[i] * (norm == 2 ? error * error : norm == 1 ? error : Math.pow(error, norm));
        }
        return sum;
    }
}
