package io.kvscale.quant;

import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.GlobalScale;
import io.kvscale.scheme.QuantizationScheme;

/** The last numbers that codes under one scale reach below and above 0. */
record Ends(double least, double greatest) {
    static Ends of(QuantizationScheme scheme, QuantParameters parameters) {
        return of(scheme, parameters, 0);
    }

    /**
     * The last numbers that lose no more than rounding does: half of the last step beyond those of {@link #of}.
     *
     * @param parameters for NVFP4 the global scale
     */
    static Ends ofRounding(QuantizationScheme scheme, QuantParameters parameters) {
        return of(scheme, parameters, halfStep(scheme.format()));
    }

    private static Ends of(QuantizationScheme scheme, QuantParameters parameters, double beyond) {
        NumberFormat format = scheme.format();
        GlobalScale convention = scheme.globalScale();
        if (convention != null) {
            double end = convention.end(parameters.scale()) * (1 + beyond / format.max());
            return new Ends(-end, end);
        }
        return new Ends(
                (format.min() - beyond - parameters.zeroPoint()) * parameters.scale(),
                (format.max() + beyond - parameters.zeroPoint()) * parameters.scale());
    }

    /** Half of the step below the greatest number of a format: the largest error of rounding there. */
    static double halfStep(NumberFormat format) {
        return format.isInteger() ? 0.5 : Math.scalb(0.5, Math.getExponent(format.max()) - format.mantissaBits());
    }

    Ends times(double factor) {
        return new Ends(least * factor, greatest * factor);
    }

    boolean contains(Range observed) {
        return observed.isEmpty() || observed.min() >= least && observed.max() <= greatest;
    }

    /** The largest ratio of a value to the end on its side; infinite if codes do not reach that side. */
    double reach(Range observed) {
        return observed.isEmpty()
                ? 0
                : Math.max(ratio(Math.min(observed.min(), 0), least), ratio(Math.max(observed.max(), 0), greatest));
    }

    private static double ratio(double value, double end) {
        return value == 0 ? 0 : end == 0 ? Double.POSITIVE_INFINITY : Math.max(0, value / end);
    }

    long beyond(ValueCounts counts) {
        long beyond = 0;
        for (int v = 0; v < counts.values().length; v++) {
            float value = counts.values()[v];
            beyond += value < least || value > greatest ? counts.counts()[v] : 0;
        }
        return beyond;
    }
}
