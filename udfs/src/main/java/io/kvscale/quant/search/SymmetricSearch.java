package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.Range;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Searches the absolute maximum of a symmetric range: a logarithmic grid over all octaves that can hold the optimum, then
 * finer grids around its best points.
 *
 * <p>A plain grid with one refinement chooses another scale in 80 % of the slots of SmolLM2, with errors up to 0.6 % larger.
 */
final class SymmetricSearch {
    /** Minimum grid steps per octave. */
    private static final int STEPS = 64;

    /** Minimum grid steps per octave if scales are rounded to 16 bits: the step of a bf16 scale is at least as large. */
    private static final int STEPS_OF_16_BITS = 256;

    /** Maximum grid steps per octave. The errors of few values do not average out, so their sum has narrow minima. */
    private static final int MAX_STEPS = 1024;

    /** Grid steps per octave times different values; bounds the time of a search. */
    private static final int WORK = 1 << 18;

    /** The largest tried maximum, relative to the greatest value. A wider range helps if values are multiples of its scale. */
    private static final float ABOVE = 2.2f;

    /** Grid steps per octave around the best point of the first grid. */
    private static final int FINE = 256;

    /** Number of minima of the first grid that are refined. */
    private static final int REFINED = 4;

    /** Points of a refinement. */
    private static final int PARTS = 12;

    /** Refinements of a minimum, each around the best point of the one before. */
    private static final int DEPTH = 3;

    /** Maximum number of different values for which exact scales are tried too. */
    private static final int FEW = 48;

    private final Range all;
    private final NumberFormat format;
    private final Dtype step;
    private final IntegerGrid grid;
    private final RangeError errors;
    private final Candidates candidates;
    private final float largest;

    SymmetricSearch(
            Range all, NumberFormat format, Dtype step, IntegerGrid grid, RangeError errors, Candidates candidates) {
        this.all = all;
        this.format = format;
        this.step = step;
        this.grid = grid;
        this.errors = errors;
        this.candidates = candidates;
        this.largest = Math.max(-all.min(), all.max());
    }

    void run() {
        int values = errors.magnitudes().length;
        int minSteps = step == Dtype.F32 ? STEPS : STEPS_OF_16_BITS;
        int steps = Math.max(minSteps, Math.min(MAX_STEPS, WORK / values));
        double ratio = StrictMath.pow(2, -1.0 / steps);
        double first = (double) largest * ABOVE;
        // Enough for all octaves from the first point to the least float.
        float[] points = new float[steps * (Math.getExponent(largest) + 153)];
        double[] error = new double[points.length];
        int n = 0;
        for (double m = first; n < points.length; m *= ratio) {
            Range range = range((float) m);
            if (range.min() == 0 && range.max() == 0 || candidates.isTooSmall(range)) {
                break;
            }
            points[n] = (float) m;
            error[n++] = candidates.tryOut(range);
        }
        int[] minima = minima(error, n);
        refine(points, minima, REFINED, ratio);
        if (minima.length > 0 && steps < FINE) {
            searchFinely(points[minima[0]]);
        }
        if (values <= FEW) {
            tryExactScales();
        }
    }

    /** Searches half an octave on a finer grid: the error of integers has many minima close together. */
    private void searchFinely(float around) {
        double ratio = StrictMath.pow(2, -1.0 / FINE);
        float[] points = new float[FINE / 2];
        double[] error = new double[points.length];
        double m = around * StrictMath.pow(2, 0.25);
        for (int i = 0; i < points.length; i++) {
            points[i] = (float) m;
            error[i] = candidates.tryOut(range((float) m));
            m *= ratio;
        }
        refine(points, minima(error, points.length), REFINED / 2, ratio);
    }

    private void refine(float[] points, int[] minima, int most, double ratio) {
        for (int i = 0; i < Math.min(most, minima.length); i++) {
            refine(points[minima[i]], ratio);
        }
    }

    /** The indices of local minima, the lowest first. */
    private static int[] minima(double[] error, int n) {
        return IntStream.range(0, n)
                .filter(i -> (i == 0 || error[i] <= error[i - 1]) && (i == n - 1 || error[i] <= error[i + 1]))
                .boxed()
                .sorted(Comparator.comparingDouble(i -> error[i]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** Tries points within a ratio on both sides, then closer around the best of them. */
    private void refine(float point, double ratio) {
        double middle = point;
        double width = 1 / ratio - 1;
        for (int depth = 0; depth < DEPTH; depth++) {
            double best = middle;
            double least = Double.POSITIVE_INFINITY;
            for (int i = -PARTS / 2; i <= PARTS / 2; i++) {
                double m = middle * (1 + width * i / (PARTS / 2));
                double error = candidates.tryOut(range((float) m));
                if (error < least) {
                    least = error;
                    best = m;
                }
            }
            middle = best;
            width /= PARTS / 2;
        }
    }

    /** Tries all scales that represent some value exactly. The best scale of few values is often one of them. */
    private void tryExactScales() {
        float[] numbers = new float[1 << format.bits()];
        for (int code = 0; code < numbers.length; code++) {
            float number = Math.abs(format.decode(code));
            numbers[code] = number < Float.POSITIVE_INFINITY ? number : 0;
        }
        Arrays.sort(numbers);
        float before = 0;
        for (float number : numbers) {
            if (number > before) {
                for (float x : errors.magnitudes()) {
                    candidates.tryOut(range(x / number * grid.divisor(format)));
                }
            }
            before = number;
        }
    }

    /** The observed range, scaled so that its greatest absolute value is {@code m}. */
    private Range range(float m) {
        float most = step.round(m);
        float p = most / largest;
        return new Range(
                -all.min() == largest ? -most : Math.max(-most, step.round(all.min() * p)),
                all.max() == largest ? most : Math.min(most, step.round(all.max() * p)));
    }
}
