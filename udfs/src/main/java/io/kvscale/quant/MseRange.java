package io.kvscale.quant;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.Range;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.ShrinkGrid;

/**
 * The range whose scale has the least sum of {@code |q - x|^norm} over counted values.
 *
 * <p>llm-compressor's {@code mse} observer shrinks the range of each batch by steps of 1 % and averages what it chooses. Here the
 * sum is over the whole corpus, and steps are as fine as it takes: those of the reference down to 0.01 of the range are among
 * what is tried, so the result is never worse than any of them. With a {@link ShrinkGrid}, exactly its ranges are tried.
 */
final class MseRange {
    private static final ShrinkGrid REFERENCE = new ShrinkGrid(1.0, 100.0, 1.0);

    private MseRange() {}

    /** @param all the range of all values, not zeros only */
    static Range of(ValueCounts counts, Range all, QuantizationScheme scheme, Dtype step) {
        RangeError errors = new RangeError(
                counts,
                scheme.format(),
                scheme.symmetric(),
                step,
                scheme.kwargs().norm());
        Candidates candidates = new Candidates(errors, scheme.format(), scheme.symmetric(), step);
        // Refuses a range that overflows.
        QuantParameters.ofRange(all.min(), all.max(), scheme.format(), scheme.symmetric(), step);
        ShrinkGrid only = scheme.kwargs().grid();
        if (only != null) {
            shrink(all, only, candidates, step);
            return candidates.best();
        }
        shrink(all, REFERENCE, candidates, step);
        if (scheme.symmetric()) {
            new SymmetricSearch(all, scheme.format(), step, errors, candidates).run();
        } else {
            new AsymmetricSearch(all, step, candidates).run();
        }
        return candidates.best();
    }

    private static void shrink(Range all, ShrinkGrid grid, Candidates candidates, Dtype step) {
        float expand = (float) grid.expand();
        float min = step.round(all.min() * expand);
        float max = step.round(all.max() * expand);
        for (int i = 0; i < grid.steps(); i++) {
            float p = grid.factor(i);
            candidates.tryOut(new Range(step.round(min * p), step.round(max * p)));
        }
    }
}
