package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import java.util.BitSet;

/**
 * Sums the quantization error of values that share one scale. It excludes the final rounding to the type of the values.
 * Sums are compensated f64, so their last digits hardly depend on the order of values.
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

    /** @param step the type that every step is rounded to */
    ErrorSum(NumberFormat format, Dtype step) {
        this.format = format;
        this.step = step;
    }

    /** Adds {@code times} values of {@code x}, quantized and dequantized with these parameters. */
    void add(float x, long times, QuantParameters parameters) {
        float t = parameters.shifted(x, step);
        float q = format.round(t);
        // The lowest integer times a scale for the greatest float overflows; clamp it to a finite number.
        float back = Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, parameters.unrounded(q, step)));
        double error = (double) back - x;
        codes.set(format.encode(q));
        count += times;
        saturated += t < format.min() || t > format.max() ? times : 0;
        addSignal(times * ((double) x * x));
        addNoise(times * (error * error));
    }

    // Neumaier's compensated sum, for terms that are not negative.
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

    /** The error of all values added; without values its mean is NaN. */
    SlotError toError(boolean approximate) {
        double signals = signal + signalLost;
        double noises = noise + noiseLost;
        double sqnrDb = noises == 0 ? Double.POSITIVE_INFINITY : 10 * StrictMath.log10(signals / noises);
        return new SlotError(
                count, signals, noises, noises / count, sqnrDb, saturated, codes.cardinality(), approximate);
    }
}
