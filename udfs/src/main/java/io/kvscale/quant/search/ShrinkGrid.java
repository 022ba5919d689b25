package io.kvscale.quant.search;

import io.kvscale.scheme.InvalidSchemeException;
import io.kvscale.scheme.Kwargs;
import java.io.Serializable;

/**
 * The candidates of llm-compressor's {@code mse} observer: the observed range times {@code expand}, then times
 * {@code 1 - i/grid} for i in 0..{@link #steps}-1.
 */
public record ShrinkGrid(double maxshrink, double grid, double expand) implements Serializable {
    /** 20 candidates, down to 0.81 of the range. */
    public static final ShrinkGrid DEFAULT = new ShrinkGrid(0.2, 100.0, 1.0);

    private static final double MAX_GRID = 10_000;

    /** @throws InvalidSchemeException for a number out of bounds, or a grid without a candidate */
    public ShrinkGrid {
        if (!(maxshrink > 0 && maxshrink <= 1)) {
            throw Kwargs.outOfBounds("maxshrink", maxshrink, "a number above 0, at most 1");
        }
        if (!(grid >= 1 && grid <= MAX_GRID)) {
            throw Kwargs.outOfBounds("grid", grid, "a number of at least 1, at most 10000");
        }
        if (!(expand >= 0.01 && expand <= 100)) {
            throw Kwargs.outOfBounds("expand", expand, "a number of at least 0.01, at most 100");
        }
        if ((int) (maxshrink * grid) < 1) {
            throw new InvalidSchemeException(
                    "observer_kwargs.maxshrink",
                    "maxshrink " + maxshrink + " with grid " + grid + " gives no candidate",
                    "give a maxshrink of at least 1/grid");
        }
    }

    /** The number of candidates. */
    public int steps() {
        return (int) (maxshrink * grid);
    }

    /** The factor of a candidate, rounded to f32. */
    float factor(int step) {
        return (float) (1 - step / grid);
    }
}
