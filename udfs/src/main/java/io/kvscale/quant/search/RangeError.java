package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.histogram.ValueCounts;
import org.jspecify.annotations.Nullable;

/**
 * The sum of {@code count * |q - x|^norm} over counted values for a scale. {@link #exact} is accurate to the last digits of
 * f64, {@link #quick} within {@link #tolerance}. The unit is the power of the greatest value.
 *
 * <p>{@link FoldedError} has the sums for f32 steps, where {@code (round(t + zp) - zp) * s} equals {@code round(t) * s} except
 * at ties, which have equal errors on both sides. Other arithmetic is summed value by value.
 */
final class RangeError {
    private final ValueCounts counts;
    private final NumberFormat format;
    private final boolean symmetric;
    private final Dtype step;
    private final double norm;
    private final float largest;
    private final PowerTable power;
    private final FoldedCounts fold;
    private final @Nullable FoldedError folded;

    /** @param counts at least one value other than 0 */
    RangeError(ValueCounts counts, NumberFormat format, boolean symmetric, Dtype step, double norm) {
        this.counts = counts;
        this.format = format;
        this.symmetric = symmetric;
        this.step = step;
        this.norm = norm;
        float[] values = counts.values();
        this.largest = Math.max(Math.abs(values[0]), Math.abs(values[values.length - 1]));
        this.power = new PowerTable(norm, largest);
        this.fold = FoldedCounts.of(counts, power);
        this.folded = step == Dtype.F32 && (symmetric || format.isInteger())
                ? new FoldedError(fold, format, norm, largest, power)
                : null;
    }

    /** The different absolute values, without 0. */
    float[] magnitudes() {
        return fold.x();
    }

    /** The relative difference up to which the order of two quick sums is uncertain. */
    double tolerance() {
        // Errors are rounded to f32. With a zero point, values near a tie may get the other number, which is hardly
        // farther.
        return 2 * (power.bound() + norm * 0x1p-24) + (folded != null && !symmetric ? 2e-5 : 0);
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

    /** {@link #exact} but for the order of the sum, which changes about 1e-13 of it; faster for symmetric f32 steps. */
    double precise(QuantParameters parameters) {
        return folded != null && symmetric ? folded.precise(parameters.scale()) : exact(parameters);
    }

    /** The sum, or a lower bound of at least {@code limit} if the sum is not below it. */
    double quick(QuantParameters parameters, double limit) {
        return folded == null ? stepwise(parameters, limit) : folded.quick(parameters, limit);
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
        return folded == null ? 0 : folded.saturated(parameters);
    }
}
