package io.kvscale.quant;

/**
 * {@code |e|^norm} of floats, fast and the same on every machine: a table of the mantissa, interpolated, times a table of the
 * exponent. Relative error at most {@link #bound}; subnormal numbers count as 0.
 */
final class PowerTable {
    private static final int BITS = 11;
    private static final int REST = 23 - BITS;

    private final double norm;
    private final boolean square;
    private final double[] mantissa = new double[(1 << BITS) + 1];
    private final double[] exponent = new double[1 << 8];

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

    /** The greatest relative error: of linear interpolation, h^2/8 times the second derivative over the value. */
    double bound() {
        return Math.scalb(norm * Math.abs(norm - 1) / 8, -2 * BITS) + 1e-12;
    }
}
