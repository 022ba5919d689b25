package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The ranges tried so far and their errors. Quick sums exclude most ranges; {@link #best} compares the rest by exact sums. Not
 * thread-safe.
 */
final class Candidates {
    /** The relative difference up to which the order of two precise sums is uncertain. */
    private static final double ROUNDING = 1e-12;

    private final RangeError errors;
    private final NumberFormat format;
    private final boolean symmetric;
    private final Dtype step;
    private final IntegerGrid grid;
    private final Map<QuantParameters, Double> known = new HashMap<>();
    private final List<Tried> tried = new ArrayList<>();
    private double least = Double.POSITIVE_INFINITY;

    /** A range, its parameters and the quick sum of its error. */
    record Tried(Range range, QuantParameters parameters, double error) {}

    Candidates(RangeError errors, NumberFormat format, boolean symmetric, Dtype step, IntegerGrid grid) {
        this.errors = errors;
        this.format = format;
        this.symmetric = symmetric;
        this.step = step;
        this.grid = grid;
    }

    /** The quick error of a range. Above the least error so far it may be a lower bound; infinite if the range overflows. */
    double tryOut(Range range) {
        if (!isFinite(range)) {
            return Double.POSITIVE_INFINITY;
        }
        QuantParameters parameters = parameters(range);
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

    private QuantParameters parameters(Range range) {
        return QuantParameters.ofRange(range.min(), range.max(), format, symmetric, step, grid);
    }

    private boolean isFinite(Range range) {
        float width = symmetric ? Math.max(-range.min(), range.max()) : step.round(range.max() - range.min());
        return Math.abs(width) < Float.POSITIVE_INFINITY;
    }

    /** Whether a range saturates so much that neither it nor a smaller range can be the best. */
    boolean isTooSmall(Range range) {
        QuantParameters parameters = parameters(range);
        return errors.saturated(parameters) > least * (1 + errors.tolerance());
    }

    /** The range with the least exact error; the widest wins a tie. */
    Range best() {
        List<Tried> close = closest(tried, Tried::error, errors.tolerance());
        close = closest(close, one -> errors.precise(one.parameters()), ROUNDING);
        close = closest(close, one -> errors.exact(one.parameters()), 0);
        return close.stream()
                .map(Tried::range)
                .reduce((one, next) -> next.max() - next.min() > one.max() - one.min() ? next : one)
                .orElseThrow(() -> new IllegalStateException("nothing was tried"));
    }

    /** Those whose error is within {@code tolerance} of the least. */
    private static List<Tried> closest(List<Tried> some, ToDoubleFunction<Tried> error, double tolerance) {
        if (some.size() <= 1) {
            return some;
        }
        double[] sums = some.stream().mapToDouble(error).toArray();
        double most = Arrays.stream(sums).min().orElseThrow() * (1 + tolerance);
        return IntStream.range(0, sums.length)
                .filter(i -> sums[i] <= most)
                .mapToObj(some::get)
                .toList();
    }
}
