package io.kvscale.quant.search;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Computes {@code |e|^norm} fast and identically on every machine: a table of the mantissa times a table of the exponent.
 * {@link #quick} interpolates between entries, with a relative error of at most {@link #bound}. {@link #precise} uses the binomial
 * series, with a relative error of 1e-12. Negligible powers are 0.
 */
final class PowerTable {
    private static final int BITS = 11;
    private static final int REST = 23 - BITS;
    private static final int SIZE = 1 << BITS;

    private static final long MANTISSA = (1L << 52) - 1;
    private static final long ONE = 1023L << 52;
    private static final int MIN_EXPONENT = -200;
    private static final int EXPONENTS = 1 << 8;

    /** The exponent field of 1. */
    private static final int ONE_FIELD = 127;

    /** All scales of a table have the same norm, and filling the tables takes a good part of a search. */
    private static volatile @Nullable Tables recent;

    private final Tables tables;
    private final double[] exponent;

    /**
     * The tables of a norm.
     *
     * @param mantissa powers of 1 + i/SIZE
     * @param slope differences of neighbours in {@code mantissa}, for one unit in the last place of a float
     * @param exponent powers of 2, from 2^-255
     */
    private record Tables(double norm, double[] mantissa, double[] slope, double[] exponent) {
        static Tables of(double norm) {
            double[] mantissa = new double[SIZE + 1];
            double[] slope = new double[SIZE];
            double[] exponent = new double[2 * EXPONENTS];
            for (int i = 0; i <= SIZE; i++) {
                mantissa[i] = StrictMath.pow(1 + i / (double) SIZE, norm);
            }
            for (int i = 0; i < SIZE; i++) {
                slope[i] = (mantissa[i + 1] - mantissa[i]) * (1.0 / (1 << REST));
            }
            for (int e = 0; e < exponent.length; e++) {
                exponent[e] = StrictMath.pow(2, norm * (e - EXPONENTS));
            }
            return new Tables(norm, mantissa, slope, exponent);
        }
    }

    /** @param largest the unit of errors, about the greatest of them, so that no power overflows */
    PowerTable(double norm, float largest) {
        Tables known = recent;
        if (known == null || known.norm != norm) {
            known = Tables.of(norm);
            recent = known;
        }
        this.tables = known;
        int first = EXPONENTS - (Math.getExponent(largest) + 127);
        this.exponent = Arrays.copyOfRange(known.exponent, first, first + EXPONENTS);
        // Subnormal floats.
        this.exponent[0] = 0;
    }

    /** The power of 2 to the exponent of a positive float. */
    double ofExponent(float x) {
        return exponent[Float.floatToRawIntBits(x) >>> 23];
    }

    double quick(float e) {
        return tables.norm == 2 ? square(e) * exponent[ONE_FIELD] : quick(e, exponent, tables.mantissa, tables.slope);
    }

    private static double square(float e) {
        return (double) e * e;
    }

    private static double quick(float e, double[] exponent, double[] mantissa, double[] slope) {
        int bits = Float.floatToRawIntBits(e) & Integer.MAX_VALUE;
        int at = bits >>> REST & SIZE - 1;
        return exponent[bits >>> 23] * (mantissa[at] + slope[at] * (bits & (1 << REST) - 1));
    }

    /** The sum of {@code count * |e|^norm} over {@code [from, to)}. */
    double sum(float[] e, double[] count, int from, int to) {
        double[] exponent = this.exponent;
        double[] mantissa = tables.mantissa;
        double[] slope = tables.slope;
        double sum = 0;
        if (tables.norm == 2) {
            for (int i = from; i < to; i++) {
                sum += count[i] * square(e[i]);
            }
            return sum * exponent[ONE_FIELD];
        }
        for (int i = from; i < to; i++) {
            sum += count[i] * quick(e[i], exponent, mantissa, slope);
        }
        return sum;
    }

    /** @param e at least 0, and not far above 1 */
    double precise(double e) {
        double norm = tables.norm;
        if (norm == 2) {
            return e * e;
        }
        long bits = Double.doubleToRawLongBits(e);
        int power = (int) (bits >>> 52) - 1023;
        if (power < MIN_EXPONENT) {
            return 0;
        }
        int index = (int) ((bits & MANTISSA) >>> (52 - BITS));
        double low = 1 + index / (double) SIZE;
        double d = (Double.longBitsToDouble(bits & MANTISSA | ONE) - low) / low;
        double series = 1 + (norm - 3) * d / 4;
        series = 1 + (norm - 2) * d / 3 * series;
        series = 1 + (norm - 1) * d / 2 * series;
        series = 1 + norm * d * series;
        return tables.exponent[power + EXPONENTS] * tables.mantissa[index] * series;
    }

    /** The greatest relative error of {@link #quick}: h^2/8 times the second derivative, over the value. */
    double bound() {
        double norm = tables.norm;
        return Math.scalb(norm * Math.abs(norm - 1) / 8, -2 * BITS) + 1e-12;
    }
}
