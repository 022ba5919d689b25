package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.histogram.ValueCounts;

/**
 * The sum of {@code count * |q - x|^norm} over counted values for a scale. {@link #exact} is accurate to the last digits of
 * f64, {@link #quick} within {@link #tolerance}. The unit is the power of the greatest value.
 *
 * <p>Quick sums fold x and -x, take values that round to 0 from a running sum, and look powers up in a table. This needs f32
 * steps, where {@code (round(t + zp) - zp) * s} equals {@code round(t) * s} except at ties, which have equal errors on both
 * sides. Other arithmetic is summed value by value.
 */
final class RangeError {
    private final ValueCounts counts;
    private final NumberFormat format;
    private final Dtype step;
    private final float largest;
    private final PowerTable power;
    private final boolean folded;
    private final FoldedCounts fold;
    private final RoundingError rounding;

    RangeError(ValueCounts counts, NumberFormat format, boolean symmetric, Dtype step, double norm) {
        this.counts = counts;
        this.format = format;
        this.step = step;
        float[] values = counts.values();
        this.largest = Math.max(Math.abs(values[0]), Math.abs(values[values.length - 1]));
        this.power = new PowerTable(norm, largest);
        this.folded = step == Dtype.F32 && (symmetric || format.isInteger());
        this.fold = FoldedCounts.of(counts, power);
        this.rounding = new RoundingError(format, power);
    }

    /** The different absolute values, without 0. */
    float[] magnitudes() {
        return fold.x();
    }

    /** The relative difference up to which the order of two quick sums is uncertain. */
    double tolerance() {
        // Multiplication by 1/scale rounds some values near a tie to the other number, which is hardly farther away.
        return 2 * power.bound() + (folded ? 2e-5 : 0);
    }

    double exact(QuantParameters parameters) {
        double sum = 0;
        for (int i = 0; i < counts.values().length; i++) {
            float x = counts.values()[i];
            float q = parameters.dequantize(parameters.quantize(x, format, step), step);
            double error = Math.abs((double) q - x) / largest;
            sum += counts.counts()[i] * power.precise(error);
        }
        return sum;
    }

    /** The sum, or a lower bound of at least {@code limit} if the sum is not below it. */
    double quick(QuantParameters parameters, double limit) {
        if (!folded) {
            return stepwise(parameters, limit);
        }
        double sum = saturated(parameters);
        return sum >= limit ? sum : sum + inside(parameters);
    }

    private double stepwise(QuantParameters parameters, double limit) {
        double sum = 0;
        for (int i = 0; i < counts.values().length && sum < limit; i++) {
            float x = counts.values()[i];
            float q = parameters.dequantize(parameters.quantize(x, format, step), step);
            sum += counts.counts()[i] * power.quick(q - x);
        }
        return sum;
    }

    /** The part of the sum from saturated values; a smaller scale never reduces it. 0 if it is unknown. */
    double saturated(QuantParameters parameters) {
        if (!folded) {
            return 0;
        }
        return beyond(fold.positive(), format.max() - parameters.zeroPoint(), parameters.scale())
                + beyond(fold.negative(), parameters.zeroPoint() - format.min(), parameters.scale());
    }

    private double beyond(double[] count, float limit, float scale) {
        float most = limit * scale;
        double sum = 0;
        for (int i = fold.first(most); i < count.length; i++) {
            sum += count[i] * power.quick(fold.x()[i] - most);
        }
        return sum;
    }

    private double inside(QuantParameters parameters) {
        float scale = parameters.scale();
        int zeros = fold.first(rounding.zero() * scale);
        int positive = Math.max(zeros, fold.first((format.max() - parameters.zeroPoint()) * scale));
        int negative = Math.max(zeros, fold.first((parameters.zeroPoint() - format.min()) * scale));
        int both = Math.min(positive, negative);
        // If one side saturates at 0, saturated() already counts its small values.
        double sum = zeros == 0 ? 0 : zerosInside(parameters, zeros);
        sum += rounding.sum(fold.x(), fold.total(), zeros, both, scale);
        return sum
                + (positive > negative
                        ? rounding.sum(fold.x(), fold.positive(), both, positive, scale)
                        : rounding.sum(fold.x(), fold.negative(), both, negative, scale));
    }

    private double zerosInside(QuantParameters parameters, int zeros) {
        boolean noPositive = parameters.zeroPoint() == format.max();
        boolean noNegative = parameters.zeroPoint() == format.min();
        if (!noPositive && !noNegative) {
            return fold.small()[zeros];
        }
        double[] count = noPositive ? fold.negative() : fold.positive();
        double sum = 0;
        for (int i = 0; i < zeros; i++) {
            sum += count[i] * power.quick(fold.x()[i]);
        }
        return sum;
    }
}
