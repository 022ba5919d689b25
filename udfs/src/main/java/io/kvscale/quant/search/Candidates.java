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
 * The ranges tried so far and their errors. Quick sums exclude most ranges; {@link #best} compares the rest by exact sums. Not
 * thread-safe.
 */
final class Candidates {
    private final RangeError errors;
    private final NumberFormat format;
    private final boolean symmetric;
    private final Dtype step;
    private final Map<QuantParameters, Double> known = new HashMap<>();
    private final List<Tried> tried = new ArrayList<>();
    private double least = Double.POSITIVE_INFINITY;

    /** A range, its parameters and the quick sum of its error. */
    record Tried(Range range, QuantParameters parameters, double error) {}

    Candidates(RangeError errors, NumberFormat format, boolean symmetric, Dtype step) {
        this.errors = errors;
        this.format = format;
        this.symmetric = symmetric;
        this.step = step;
    }

    /** The quick error of a range. Above the least error so far it may be a lower bound; infinite if the range overflows. */
    double tryOut(Range range) {
        if (!isFinite(range)) {
            return Double.POSITIVE_INFINITY;
        }
        QuantParameters parameters = QuantParameters.ofRange(range.min(), range.max(), format, symmetric, step);
        Double before = known.get(parameters);
        if (before != null) {
            return before;
        }
        double limit = least * (1 + errors.tolerance());
        double error = errors.quick(parameters, limit);
        known.put(parameters, error);
        if (error <= limit) {
            tried.add(new Tried(range, parameters, error));
            least = Math.min(least, error);
        }
        return error;
    }

    private boolean isFinite(Range range) {
        float width = symmetric ? Math.max(-range.min(), range.max()) : step.round(range.max() - range.min());
        return Math.abs(width) < Float.POSITIVE_INFINITY;
    }

    /** Whether a range saturates so much that neither it nor a smaller range can be the best. */
    boolean isTooSmall(Range range) {
        QuantParameters parameters = QuantParameters.ofRange(range.min(), range.max(), format, symmetric, step);
        return errors.saturated(parameters) > least * (1 + errors.tolerance());
    }

    /** The range with the least exact error; the widest wins a tie. */
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
