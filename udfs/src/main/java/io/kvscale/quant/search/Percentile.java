package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.observer.Range;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.Kwargs;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.Strategy;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.math.BigDecimal;
import java.util.Map;

/**
 * Clips the range at the least {@code |x|} that a share of all values does not exceed.
 *
 * @param percentile the share in percent, within [50, 100]
 */
public record Percentile(double percentile) implements CountingRule {
    private static final String KEY = "percentile";

    /** A smaller range would clip more than half of all values, which nobody wants. */
    private static final double LEAST = 50;

    public Percentile() {
        this(99.99);
    }

    public Percentile {
        if (percentile > 0 && percentile <= 1) {
            throw Kwargs.wrong(
                    KEY,
                    KEY + " " + percentile + " is a fraction, but it is given in percent",
                    "write " + KEY + ": " + (percentile < LEAST / 100 ? "99.99" : inPercent(percentile)));
        }
        if (!(percentile >= LEAST && percentile <= 100)) {
            throw Kwargs.outOfBounds(KEY, percentile, "a number within [50, 100], such as 99.99");
        }
    }

    private static String inPercent(double fraction) {
        return BigDecimal.valueOf(fraction)
                .movePointRight(2)
                .stripTrailingZeros()
                .toPlainString();
    }

    @Override
    public String word() {
        return "percentile";
    }

    @Override
    public Percentile with(Kwargs kwargs) {
        return new Percentile(kwargs.number(KEY, percentile));
    }

    @Override
    public Map<String, Double> kwargs() {
        return Map.of(KEY, percentile);
    }

    @Override
    public void check(NumberFormat format, Strategy strategy) {}

    @Override
    public Range choose(ValueCounts counts, Range all, QuantizationScheme scheme, Dtype step, IntegerGrid grid) {
        float limit = magnitude(counts);
        float[] values = counts.values();
        // At the greatest value nothing is clipped. The counts may have rounded it, the range has not.
        return limit == Math.max(-values[0], values[values.length - 1]) ? all : CountingRule.clip(all, limit);
    }

    /** The least {@code |x|} that at least {@link #percentile} percent of all values do not exceed. */
    float magnitude(ValueCounts counts) {
        float x = counts.percentile(percentile);
        if (x > 0) {
            return x;
        }
        long zeros = 0;
        for (int v = 0; v < counts.values().length; v++) {
            zeros += counts.values()[v] == 0 ? counts.counts()[v] : 0;
        }
        throw new InvalidDataException(DataProblem.of(
                "percentile " + percentile + " of |x| is 0: " + zeros + " of " + counts.total() + " values are zero",
                "take a higher percentile"));
    }
}
