package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Ranges that were tried, by the scale they give, and the best of them: quickly, and in the end exactly among those that
 * quick sums cannot tell apart. For one thread.
 */
final class Candidates {
    private final RangeError errors;
    private final NumberFormat format;
    private final boolean symmetric;
    private final Dtype step;
    private final Map<QuantParameters, Double> known = new HashMap<>();
    private final List<Tried> tried = new ArrayList<>();
    private double least = Double.POSITIVE_INFINITY;

    /** A range, what it gives and how wrong that is, by a quick sum. */
    record Tried(Range range, QuantParameters parameters, double error) {}

    Candidates(RangeError errors, NumberFormat format, boolean symmetric, Dtype step) {
        this.errors = errors;
        this.format = format;
        this.symmetric = symmetric;
        this.step = step;
    }

    /** The error of a range, or a number above {@link #least} that is no less than that; infinite if it overflows. */
    double tryOut(Range range) {
        if (!isFinite(range)) {
            return Double.POSITIVE_INFINITY;
        }
        QuantParameters parameters = QuantParameters.ofRange(range.min(), range.max(), format, symmetric, step);
        Double before = known.get(parameters);
        if (before != null) {
            return before;
        }
        double enough = least * (1 + errors.tolerance());
        double error = errors.quick(parameters, enough);
        known.put(parameters, error);
        if (error <= enough) {
            tried.add(new Tried(range, parameters, error));
            least = Math.min(least, error);
        }
        return error;
    }

    private boolean isFinite(Range range) {
        float width = symmetric ? Math.max(-range.min(), range.max()) : step.round(range.max() - range.min());
        return Math.abs(width) < Float.POSITIVE_INFINITY;
    }

    /** The least error so far. */
    double least() {
        return least;
    }

    /** Whether a range saturates so much that neither it nor any smaller one can be the best. */
    boolean isTooSmall(Range range) {
        QuantParameters parameters = QuantParameters.ofRange(range.min(), range.max(), format, symmetric, step);
        return errors.saturated(parameters) > least * (1 + errors.tolerance());
    }

    /** The best range, by exact sums; of equal ones the widest. */
    Range best() {
        Range best = null;
        double error = Double.POSITIVE_INFINITY;
        for (Tried one : tried) {
            if (one.error() > least * (1 + errors.tolerance())) {
                continue;
            }
            double exact = errors.exact(one.parameters());
            boolean wider = best != null && one.range().max() - one.range().min() > best.max() - best.min();
            if (best == null || exact < error || (exact == error && wider)) {
                best = one.range();
                error = exact;
            }
        }
        if (best == null) {
            throw new IllegalStateException("nothing was tried");
        }
        return best;
    }
}
