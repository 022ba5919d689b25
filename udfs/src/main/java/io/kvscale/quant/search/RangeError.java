package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.histogram.ValueCounts;

/**
 * The sum of {@code count * |q - x|^norm} over counted values, as a function of the scale: {@link #exact} but for the last
 * digits of f64, {@link #quick} within {@link #tolerance}, in units of the greatest value's power.
 *
 * <p>Quick sums fold values of either sign, take those that become 0 from a running sum and look powers up. That needs steps in
 * f32, where {@code (round(t + zp) - zp) * s} is {@code round(t) * s} but for ties, which are as far from either side; other
 * arithmetic is gone through value by value.
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

    /** The absolute values, ascending, without 0. */
    float[] magnitudes() {
        return fold.x();
    }

    /** By how much two quick sums may be in a wrong order, relatively. */
    double tolerance() {
        // A product with 1/scale takes some values that lie between two numbers to the other one, which is hardly
        // further.
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

    /** A sum of at least {@code enough} may be given up on: then any number that is not less. */
    double quick(QuantParameters parameters, double enough) {
        if (!folded) {
            return stepwise(parameters, enough);
        }
        double sum = saturated(parameters);
        return sum >= enough ? sum : sum + inside(parameters);
    }

    private double stepwise(QuantParameters parameters, double enough) {
        double sum = 0;
        for (int i = 0; i < counts.values().length && sum < enough; i++) {
            float x = counts.values()[i];
            float q = parameters.dequantize(parameters.quantize(x, format, step), step);
            sum += counts.counts()[i] * power.of(q - x);
        }
        return sum;
    }

    /** The part of values beyond the format's numbers, which never shrinks with the scale; 0 if that is not known. */
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
            sum += count[i] * power.of(fold.x()[i] - most);
        }
        return sum;
    }

    private double inside(QuantParameters parameters) {
        float scale = parameters.scale();
        int zeros = fold.first(rounding.zero() * scale);
        int positive = Math.max(zeros, fold.first((format.max() - parameters.zeroPoint()) * scale));
        int negative = Math.max(zeros, fold.first((parameters.zeroPoint() - format.min()) * scale));
        int both = Math.min(positive, negative);
        // Where one side is saturated at 0 its small values are counted there, not here.
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
            sum += count[i] * power.of(fold.x()[i]);
        }
        return sum;
    }
}
