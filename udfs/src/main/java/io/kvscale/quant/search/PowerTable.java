package io.kvscale.quant.search;

/**
 * {@code |e|^norm}, fast and the same on every machine: a table of the mantissa times a table of the exponent. Between the
 * table's numbers {@link #of} interpolates, with a relative error of at most {@link #bound}; {@link #precise} goes on with the
 * binomial series, to 1e-12. Numbers too small to count are 0.
 */
final class PowerTable {
    private static final int BITS = 11;
    private static final int REST = 23 - BITS;

    private static final long MANTISSA = (1L << 52) - 1;
    private static final long ONE = 1023L << 52;
    private static final int MIN_EXPONENT = -200;

    private final double norm;
    private final boolean square;
    private final double[] mantissa = new double[(1 << BITS) + 1];
    private final double[] exponent = new double[1 << 8];
    private final double[] preciseExponent = new double[256];

    /** @param largest what errors are measured by, so that no power overflows: about the greatest of them */
    PowerTable(double norm, float largest) {
        this.norm = norm;
        this.square = norm == 2;
        for (int i = 0; i < mantissa.length; i++) {
            mantissa[i] = StrictMath.pow(1 + i / (double) (1 << BITS), norm);
        }
        int unit = Math.getExponent(largest) + 127;
        for (int e = 1; e < exponent.length; e++) {
            exponent[e] = StrictMath.pow(2, norm * (e - unit));
        }
        for (int e = 0; e < preciseExponent.length; e++) {
            preciseExponent[e] = StrictMath.pow(2, norm * (e + MIN_EXPONENT));
        }
    }

    double of(float e) {
        int bits = Float.floatToRawIntBits(e) & Integer.MAX_VALUE;
        int m = bits & 0x7fffff;
        double unit = exponent[bits >>> 23];
        if (square) {
            double exact = 1 + m * 0x1p-23;
            return unit * (exact * exact);
        }
        double low = mantissa[m >>> REST];
        double high = mantissa[(m >>> REST) + 1];
        return unit * (low + (high - low) * ((m & ((1 << REST) - 1)) * (1.0 / (1 << REST))));
    }

    /** @param e at least 0, and not far above 1 */
    double precise(double e) {
        if (square) {
            return e * e;
        }
        long bits = Double.doubleToRawLongBits(e);
        int power = (int) (bits >>> 52) - 1023 - MIN_EXPONENT;
        if (power < 0) {
            return 0;
        }
        int index = (int) ((bits & MANTISSA) >>> (52 - BITS));
        double low = 1 + index / (double) (1 << BITS);
        double d = (Double.longBitsToDouble(bits & MANTISSA | ONE) - low) / low;
        double series = 1 + (norm - 3) * d / 4;
        series = 1 + (norm - 2) * d / 3 * series;
        series = 1 + (norm - 1) * d / 2 * series;
        series = 1 + norm * d * series;
        return preciseExponent[power] * mantissa[index] * series;
    }

    /** The greatest relative error of {@link #of}: of linear interpolation, h^2/8 times the second derivative over the value. */
    double bound() {
        return Math.scalb(norm * Math.abs(norm - 1) / 8, -2 * BITS) + 1e-12;
    }
}
