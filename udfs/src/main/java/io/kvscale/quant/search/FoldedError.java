package io.kvscale.quant.search;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import org.jspecify.annotations.Nullable;

/**
 * The sums of {@link RangeError} for f32 steps. They fold x and -x, take values that round to 0 from a running sum, and look
 * powers up in a table. Normal numbers of a symmetric float format are summed by {@link Significands}. Not thread-safe.
 */
final class FoldedError {
    /** The part of a sum above the limit that may be missing. */
    private static final double NEGLIGIBLE = 1e-8;

    /** Sums up to this multiple of the limit are complete, so that equal minima of two octaves are told apart. */
    private static final double MARGIN = 1.1;

    /** From this scale on, all normal numbers of a format times the scale are normal floats. */
    private static final float LEAST_SCALE = 0x1p-100f;

    private final FoldedCounts fold;
    private final NumberFormat format;
    private final float largest;
    private final PowerTable power;
    private final RoundingError rounding;
    private final @Nullable Significands significands;
    private final float[] error;

    /** @param power in the unit {@code largest} */
    FoldedError(FoldedCounts fold, NumberFormat format, double norm, float largest, PowerTable power) {
        this.fold = fold;
        this.format = format;
        this.largest = largest;
        this.power = power;
        this.rounding = new RoundingError(format);
        this.significands = format.isInteger() ? null : new Significands(fold, power, new PowerTable(norm, 1));
        this.error = new float[fold.x().length];
    }

    /**
     * The sum for a zero point of 0, accurate to the last digits of f64. Errors of values that do not saturate are exact in
     * f32: q is 0, or at least x/2 and at most 2x.
     */
    double precise(float scale) {
        float up = format.max() * scale;
        float down = -format.min() * scale;
        rounding.fill(error, fold.x(), 0, error.length, scale);
        double sum = 0;
        for (int i = 0; i < error.length; i++) {
            float x = fold.x()[i];
            double inside = Math.abs(error[i]);
            double positive = x > up ? (double) x - up : inside;
            double negative = x > down ? (double) x - down : inside;
            sum += positive == negative
                    ? fold.total()[i] * power.precise(positive / largest)
                    : fold.positive()[i] * power.precise(positive / largest)
                            + fold.negative()[i] * power.precise(negative / largest);
        }
        return sum;
    }

    /** The sum, or a lower bound of at least {@code limit} if the sum is not below it. */
    double quick(QuantParameters parameters, double limit) {
        double sum = saturated(parameters);
        if (sum >= limit) {
            return sum;
        }
        return significands != null && parameters.scale() >= LEAST_SCALE
                ? floats(significands, parameters.scale(), sum, limit)
                : sum + inside(parameters);
    }

    /** The part of the sum from saturated values. */
    double saturated(QuantParameters parameters) {
        float up = format.max() - parameters.zeroPoint();
        float down = parameters.zeroPoint() - format.min();
        return up == down
                ? beyond(fold.total(), up, parameters.scale())
                : beyond(fold.positive(), up, parameters.scale()) + beyond(fold.negative(), down, parameters.scale());
    }

    private double beyond(double[] count, float limit, float scale) {
        float most = limit * scale;
        int first = fold.first(most);
        for (int i = first; i < error.length; i++) {
            error[i] = fold.x()[i] - most;
        }
        return power.sum(error, count, first, error.length);
    }

    private double floats(Significands significands, float scale, double saturated, double limit) {
        float least = Math.scalb(scale, format.minExponent());
        float half = rounding.zero() * scale;
        int zeros = fold.first(half);
        int normal = fold.first(Math.nextDown(least));
        double sum = saturated + fold.small()[zeros] + significands.sum(rounding, scale, least, format.max() * scale);
        double bound = (fold.before()[normal] - fold.before()[zeros]) * power.quick(half);
        return sum > MARGIN * limit && bound <= NEGLIGIBLE * sum
                ? sum
                : sum + rounded(fold.total(), zeros, normal, scale);
    }

    private double inside(QuantParameters parameters) {
        float scale = parameters.scale();
        int zeros = fold.first(rounding.zero() * scale);
        int positive = Math.max(zeros, fold.first((format.max() - parameters.zeroPoint()) * scale));
        int negative = Math.max(zeros, fold.first((parameters.zeroPoint() - format.min()) * scale));
        int both = Math.min(positive, negative);
        // If one side saturates at 0, saturated() already counts its small values.
        double sum = zeros == 0 ? 0 : zerosInside(parameters, zeros);
        sum += rounded(fold.total(), zeros, both, scale);
        return sum
                + (positive > negative
                        ? rounded(fold.positive(), both, positive, scale)
                        : rounded(fold.negative(), both, negative, scale));
    }

    private double rounded(double[] count, int from, int to, float scale) {
        rounding.fill(error, fold.x(), from, to, scale);
        return power.sum(error, count, from, to);
    }

    private double zerosInside(QuantParameters parameters, int zeros) {
        boolean noPositive = parameters.zeroPoint() == format.max();
        boolean noNegative = parameters.zeroPoint() == format.min();
        if (!noPositive && !noNegative) {
            return fold.small()[zeros];
        }
        return power.sum(fold.x(), noPositive ? fold.negative() : fold.positive(), 0, zeros);
    }
}
