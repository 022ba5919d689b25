package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.Range;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Searches the absolute maximum of a symmetric range: all octaves that can hold the optimum on a grid, then around the best
 * points of that ever finer. Few distinct values are tried out number by number: their optimum may be a point.
 */
final class SymmetricSearch {
    /** Steps of an octave. Scales that round the greatest values differently are further apart. */
    private static final int STEPS = 64;

    /** As many steps reach every scale of bf16. */
    private static final int STEPS_OF_16_BITS = 256;

    /** The errors of few values do not average out: their sum has valleys as narrow as those of one. */
    private static final int MAX_STEPS = 1024;

    /** Steps times different values: as fine a grid as a slot of few values has time for. */
    private static final int WORK = 1 << 18;
    /** How far above the greatest value a range can be worth it: where values are multiples of its scale. */
    private static final float ABOVE = 2.2f;

    /** Steps of an octave where the best scale lies. */
    private static final int FINE = 256;

    /** From the greatest number of any type to the least. */
    private static final int OCTAVES = 300;

    private static final int REFINED = 4;
    private static final int PARTS = 12;
    private static final int DEPTH = 3;
    private static final int FEW = 48;

    private final Range all;
    private final NumberFormat format;
    private final Dtype step;
    private final RangeError errors;
    private final Candidates candidates;
    private final float largest;

    SymmetricSearch(Range all, NumberFormat format, Dtype step, RangeError errors, Candidates candidates) {
        this.all = all;
        this.format = format;
        this.step = step;
        this.errors = errors;
        this.candidates = candidates;
        this.largest = Math.max(-all.min(), all.max());
    }

    void run() {
        int values = errors.magnitudes().length;
        int least = step == Dtype.F32 ? STEPS : STEPS_OF_16_BITS;
        int steps = Math.max(least, Math.min(MAX_STEPS, WORK / values));
        double ratio = StrictMath.pow(2, -1.0 / steps);
        double first = (double) largest * ABOVE;
        float[] points = new float[steps * OCTAVES];
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
        int[] valleys = valleys(error, n);
        refine(points, valleys, REFINED, ratio);
        if (valleys.length > 0 && steps < FINE) {
            dense(points[valleys[0]]);
        }
        if (values <= FEW) {
            point();
        }
    }

    /** Around the best point of the grid, all of a finer one: the error of integers ripples from step to step. */
    private void dense(float around) {
        double ratio = StrictMath.pow(2, -1.0 / FINE);
        float[] points = new float[FINE / 2];
        double[] error = new double[points.length];
        double m = around * StrictMath.pow(2, 0.25);
        for (int i = 0; i < points.length; i++) {
            points[i] = (float) m;
            error[i] = candidates.tryOut(range((float) m));
            m *= ratio;
        }
        refine(points, valleys(error, points.length), REFINED / 2, ratio);
    }

    private void refine(float[] points, int[] valleys, int most, double ratio) {
        for (int i = 0; i < Math.min(most, valleys.length); i++) {
            refine(points[valleys[i]], ratio);
        }
    }

    /** The local minima, the lowest first. */
    private static int[] valleys(double[] error, int n) {
        return IntStream.range(0, n)
                .filter(i -> (i == 0 || error[i] <= error[i - 1]) && (i == n - 1 || error[i] <= error[i + 1]))
                .boxed()
                .sorted(Comparator.comparingDouble(i -> error[i]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** Tries points within a ratio to either side, then around the best of them, ever closer. */
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

    /** Tries every scale under which some value is exactly a number of the format. */
    private void point() {
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
                    candidates.tryOut(range(x / number * format.symmetricDivisor()));
                }
            }
            before = number;
        }
    }

    /** The observed range shrunk, or widened, so that its greatest absolute value is {@code m}. */
    private Range range(float m) {
        float most = step.round(m);
        float p = most / largest;
        return new Range(
                -all.min() == largest ? -most : Math.max(-most, step.round(all.min() * p)),
                all.max() == largest ? most : Math.min(most, step.round(all.max() * p)));
    }
}
