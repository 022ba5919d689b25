package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.numeric.IntegerGrid;
import io.kvscale.numeric.NumberFormat;
import io.kvscale.numeric.QuantParameters;
import io.kvscale.observer.Range;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.scheme.Kwargs;
import io.kvscale.scheme.QuantizationScheme;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The range whose scale has the least sum of {@code |q - x|^norm} over all values.
 *
 * <p>llm-compressor's {@code mse} observer shrinks the range of each batch in steps of 1 % and averages the chosen ranges.
 * Here the sum is over the whole corpus and the steps are finer. The candidates include those of llm-compressor down to 0.01
 * of the range, so the result is never worse than any of them.
 *
 * @param norm exponent of the error, within (0, 16]
 * @param grid the only candidates; null to search all ranges
 */
public record Mse(double norm, @Nullable ShrinkGrid grid) implements CountingRule {
    private static final String NORM = "norm";
    private static final String MAXSHRINK = "maxshrink";
    private static final String GRID = "grid";
    private static final String EXPAND = "expand";
    private static final String PATIENCE = "patience";
    private static final String AVERAGING_CONSTANT = "averaging_constant";

    private static final double MAX_NORM = 16;
    private static final ShrinkGrid LLM_COMPRESSOR = new ShrinkGrid(1.0, 100.0, 1.0);

    /** llm-compressor's exponent, 2.4. */
    public Mse() {
        this(2.4);
    }

    /** Searches all ranges; a norm of 2 gives the highest SQNR. */
    public Mse(double norm) {
        this(norm, null);
    }

    public Mse {
        if (!(norm > 0 && norm <= MAX_NORM)) {
            throw Kwargs.outOfBounds(NORM, norm, "a number within (0, 16], such as 2.4");
        }
    }

    @Override
    public String word() {
        return "mse";
    }

    @Override
    public List<String> aliases() {
        return List.of("memoryless_mse");
    }

    @Override
    public Set<String> keys() {
        return new LinkedHashSet<>(List.of(NORM, MAXSHRINK, GRID, EXPAND, PATIENCE, AVERAGING_CONSTANT));
    }

    @Override
    public Mse with(Kwargs kwargs) {
        // Both concern batches and early stops; there is one batch here, and every candidate is tried.
        kwargs.ignore(PATIENCE);
        kwargs.ignore(AVERAGING_CONSTANT);
        boolean hasGrid = kwargs.contains(MAXSHRINK) || kwargs.contains(GRID) || kwargs.contains(EXPAND);
        ShrinkGrid given = new ShrinkGrid(
                kwargs.number(MAXSHRINK, ShrinkGrid.DEFAULT.maxshrink()),
                kwargs.number(GRID, ShrinkGrid.DEFAULT.grid()),
                kwargs.number(EXPAND, ShrinkGrid.DEFAULT.expand()));
        return new Mse(kwargs.number(NORM, norm), hasGrid ? given : null);
    }

    @Override
    public Map<String, Double> kwargs() {
        Map<String, Double> kwargs = new LinkedHashMap<>();
        kwargs.put(NORM, norm);
        if (grid != null) {
            kwargs.put(MAXSHRINK, grid.maxshrink());
            kwargs.put(GRID, grid.grid());
            kwargs.put(EXPAND, grid.expand());
        }
        return Collections.unmodifiableMap(kwargs);
    }

    @Override
    public boolean triesScales() {
        return true;
    }

    @Override
    public Range choose(ValueCounts counts, Range all, QuantizationScheme scheme, Dtype step, IntegerGrid integers) {
        NumberFormat format = scheme.format();
        boolean symmetric = scheme.symmetric();
        RangeError errors = new RangeError(counts, format, symmetric, step, norm);
        Candidates candidates = new Candidates(errors, format, symmetric, step, integers);
        // Throws for a range that overflows.
        QuantParameters.ofRange(all.min(), all.max(), format, symmetric, step, integers);
        if (grid != null) {
            shrink(all, grid, candidates, step);
            return ordered(candidates.best());
        }
        shrink(all, LLM_COMPRESSOR, candidates, step);
        if (symmetric) {
            new SymmetricSearch(all, format, step, integers, errors, candidates).run();
        } else {
            new AsymmetricSearch(all, step, candidates).run();
        }
        return ordered(candidates.best());
    }

    /**
     * A range with the same scale whose ends are in order. If all values have one sign, the search may move the end that is
     * nearer to 0, which has no effect, past the other.
     */
    private static Range ordered(Range range) {
        float far = range.max() > 0 ? range.max() : range.min();
        return range.min() > range.max() ? new Range(far, far) : range;
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
