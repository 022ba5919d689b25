package io.kvscale.quant.search;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.Range;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Searches both ends of an asymmetric range: pairs of factors on a coarse grid, then from the best of them downhill in ever
 * smaller steps.
 */
final class AsymmetricSearch {
    private static final int STARTS = 8;
    private static final int STEPS = 8;

    /** Steps above the observed range, where the numbers of a float format may lie better, and below. */
    private static final int ABOVE = 4;

    private static final int COARSE = 16;
    private static final double FIRST_STEP = 0.06;
    private static final double LAST_STEP = 0.0004;

    private static final int[][] MOVES = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}};

    private final Range all;
    private final Dtype step;
    private final Candidates candidates;

    /** Factors of both ends, and how wrong they are. */
    private record Point(double low, double high, double error) {}

    AsymmetricSearch(Range all, Dtype step, Candidates candidates) {
        this.all = all;
        this.step = step;
        this.candidates = candidates;
    }

    void run() {
        List<Point> points = new ArrayList<>();
        for (int i = -ABOVE; i < COARSE; i++) {
            for (int j = -ABOVE; j < COARSE; j++) {
                points.add(at(StrictMath.pow(2, -i / (double) STEPS), StrictMath.pow(2, -j / (double) STEPS)));
            }
        }
        // Both ends much smaller: heavy tails.
        for (int i = COARSE; i < 20 * STEPS; i++) {
            double p = StrictMath.pow(2, -i / (double) STEPS);
            points.add(at(p, p));
        }
        points.sort(Comparator.comparingDouble(Point::error));
        points.stream().limit(STARTS).forEach(this::descend);
    }

    private void descend(Point start) {
        Point best = start;
        for (double width = FIRST_STEP; width > LAST_STEP; ) {
            Point next = best;
            for (int[] move : MOVES) {
                Point there = at(best.low * (1 + width * move[0]), best.high * (1 + width * move[1]));
                next = there.error < next.error ? there : next;
            }
            if (next == best) {
                width /= 2;
            }
            best = next;
        }
    }

    private Point at(double low, double high) {
        Range range = new Range(step.round((float) (all.min() * low)), step.round((float) (all.max() * high)));
        return new Point(low, high, candidates.tryOut(range));
    }
}
