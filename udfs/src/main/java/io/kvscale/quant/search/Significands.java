package io.kvscale.quant.search;

import java.util.Arrays;

/**
 * Sums the errors of a float format over its normal numbers. There, a value and its double have the same error but for a factor
 * of 2. So values are grouped by their significands, and the counts of an octave are weighted by its power. A sum over many
 * octaves is a difference of two running sums: one error for each significand, and not for each value.
 */
final class Significands {
    private static final int MANTISSA = 0x7fffff;
    private static final int ONE = 127 << 23;

    /** The different significands, ascending, within [1, 2). */
    private final float[] significands;

    /** The biased exponent of the first octave. */
    private final int first;

    /** Running sums of weighted counts over octaves: a row of all significands for each octave, the first row is 0. */
    private final double[] sums;

    private final PowerTable power;

    /**
     * @param power gives the weights of octaves
     * @param relative powers in the unit 1
     */
    Significands(FoldedCounts fold, PowerTable power, PowerTable relative) {
        float[] x = fold.x();
        int[] sorted = new int[x.length];
        for (int i = 0; i < x.length; i++) {
            sorted[i] = Float.floatToRawIntBits(x[i]) & MANTISSA;
        }
        Arrays.sort(sorted);
        int n = 0;
        for (int i = 0; i < sorted.length; i++) {
            if (n == 0 || sorted[i] != sorted[n - 1]) {
                sorted[n++] = sorted[i];
            }
        }
        this.significands = new float[n];
        for (int i = 0; i < n; i++) {
            significands[i] = Float.intBitsToFloat(sorted[i] | ONE);
        }
        this.power = relative;
        this.first = octave(x[0]);
        this.sums = new double[(octave(x[x.length - 1]) - first + 2) * n];
        int i = 0;
        for (int row = n; row < sums.length; row += n) {
            for (int j = 0; j < n; j++) {
                sums[row + j] = sums[row - n + j];
                if (i < x.length && octave(x[i]) == first + row / n - 1 && significand(x[i]) == significands[j]) {
                    sums[row + j] += fold.total()[i] * power.ofExponent(x[i]);
                    i++;
                }
            }
        }
    }

    private static int octave(float x) {
        return Float.floatToRawIntBits(x) >>> 23;
    }

    private static float significand(float x) {
        return Float.intBitsToFloat(Float.floatToRawIntBits(x) & MANTISSA | ONE);
    }

    /**
     * The sum of {@code count * |q - x|^norm} over values {@code [least, most]}, all of which are normal numbers of the format.
     *
     * @param least a power of 2 times the scale
     */
    double sum(RoundingError rounding, float scale, float least, float most) {
        int n = significands.length;
        float unit = significand(scale);
        // Quotients of 1 and more are normal numbers of every format.
        float half = unit / 2;
        float last = significand(most);
        int from = row(octave(least));
        int fromNext = row(octave(least) + 1);
        int to = row(octave(most) + 1);
        int toPrevious = row(octave(most));
        double sum = 0;
        for (int j = 0; j < n; j++) {
            float x = significands[j];
            double weight = sums[(x > last ? toPrevious : to) + j] - sums[(x < unit ? fromNext : from) + j];
            sum += weight * power.quick(rounding.ofFloat(x, half));
        }
        return sum;
    }

    private int row(int octave) {
        int n = significands.length;
        return Math.max(0, Math.min(sums.length / n - 1, octave - first)) * n;
    }
}
