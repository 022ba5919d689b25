package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import java.util.BitSet;

/**
 * Sums the error of values that share one scale: of the number that a code stands for, before it is rounded to the type of
 * the values. Sums are f64, compensated, so that their last digits hardly depend on the order.
 */
final class ErrorSum {
    private final NumberFormat format;
    private final Dtype step;
    private final BitSet codes = new BitSet(1 << 8);
    private long count;
    private long saturated;
    private double signal;
    private double signalLost;
    private double noise;
    private double noiseLost;

    /** Nothing summed yet. @param step the type that every step is rounded to */
    ErrorSum(NumberFormat format, Dtype step) {
        this.format = format;
        this.step = step;
    }

    /** Adds {@code times} values of {@code x}, quantized and dequantized with these parameters. */
    void add(float x, long times, QuantParameters parameters) {
        float t = parameters.shifted(x, step);
        float q = format.round(t);
        // The lowest integer times a scale made for the greatest float is beyond it: no further than that is a number.
        float back = Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, parameters.unrounded(q, step)));
        double error = (double) back - x;
        codes.set(format.encode(q));
        count += times;
        saturated += t < format.min() || t > format.max() ? times : 0;
        addSignal(times * ((double) x * x));
        addNoise(times * (error * error));
    }

    // Neumaier's sum of terms that are not negative, the larger operand first.
    private void addSignal(double term) {
        double sum = signal + term;
        signalLost += signal >= term ? (signal - sum) + term : (term - sum) + signal;
        signal = sum;
    }

    private void addNoise(double term) {
        double sum = noise + term;
        noiseLost += noise >= term ? (noise - sum) + term : (term - sum) + noise;
        noise = sum;
    }

    /** Values added. */
    long count() {
        return count;
    }

    /** Sum of squared values. */
    double signal() {
        return signal + signalLost;
    }

    /** Sum of squared errors. */
    double noise() {
        return noise + noiseLost;
    }

    /** The mean squared error; NaN where nothing was added. */
    double mse() {
        return noise() / count;
    }

    /** 10 log10 of signal to noise; infinite where there is no noise. */
    double sqnrDb() {
        return noise() == 0 ? Double.POSITIVE_INFINITY : 10 * StrictMath.log10(signal() / noise());
    }

    /** Values beyond the least or the greatest number of the format, before they are clamped. */
    long saturated() {
        return saturated;
    }

    /** How many different codes the values have. */
    int codesUsed() {
        return codes.cardinality();
    }
}
