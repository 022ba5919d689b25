package io.kvscale.job.calibration;

import io.kvscale.job.convergence.Convergence;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.state.StateUse;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.quant.Clipping;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.scheme.table.SlotScales;
import io.kvscale.task.Tally;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * The result of a calibration.
 *
 * @param statistics merged over all tasks; incomplete if there is a problem
 * @param counted where values that scales clip are counted: the statistics, or the same corpus with histograms
 * @param strata the statistics of the texts of each stratum, if the recipe has {@code statistics_by}; else empty
 * @param problem the first problem of the corpus by sample, layer and role; null if there is none
 * @param tally counts of all tasks
 * @param partitions the number of tasks
 * @param master the URL of the Spark master that ran it
 * @param text the run over texts from which a model computed K and V; null for captures and tables
 * @param state what the run took from a state; null for a run without one
 * @param convergence how the scales change with the number of tokens; null if it was not asked for, or there is a problem
 * @param facts who ran it over what
 * @param solved the scales, if they are solved; null before, and if they cannot be solved
 */
public record CalibrationResult(
        Recipe recipe,
        CalibrationStatistics statistics,
        CalibrationStatistics counted,
        SortedMap<String, CalibrationStatistics> strata,
        @Nullable DataProblem problem,
        Tally tally,
        int partitions,
        String sparkVersion,
        String master,
        @Nullable TextRun text,
        @Nullable StateUse state,
        @Nullable Convergence convergence,
        RunFacts facts,
        ScaleSolver.@Nullable Solution solved) {
    CalibrationResult with(@Nullable TextRun run) {
        return with(run, solved);
    }

    private CalibrationResult with(@Nullable TextRun run, ScaleSolver.@Nullable Solution solution) {
        return new CalibrationResult(
                recipe,
                statistics,
                counted,
                strata,
                problem,
                tally,
                partitions,
                sparkVersion,
                master,
                run,
                state,
                convergence,
                facts,
                solution);
    }

    /** This result with its scales, if there are any: {@link #solve} says why there are none. */
    CalibrationResult tried() {
        try {
            return with(text, solve());
        } catch (RuntimeException e) {
            return this; // solve() fails again, where its error is reported
        }
    }

    /** The greatest share of the values of a slot that its scales clip, from 0 to 1; NaN if it is not known. */
    double clippedShare() {
        if (solved == null) {
            return Double.NaN;
        }
        double greatest = 0;
        for (Map.Entry<Slot, SlotScales> slot : solved.table().slots().entrySet()) {
            SlotStatistics seen = counted.slots().get(slot.getKey());
            Clipping clipping = seen == null ? null : Clipping.of(seen, slot.getValue());
            greatest = Math.max(greatest, clipping == null ? Double.NaN : clipping.share());
        }
        return greatest;
    }

    /**
     * Solves the scales.
     *
     * @throws InvalidDataException if the corpus has a problem, or the statistics are not enough for the recipe
     */
    public ScaleSolver.Solution solve() {
        if (solved != null) {
            return solved;
        }
        try {
            ScaleSolver.Solution solution = solver(recipe).solve(statistics, counted, problem, convergence == null);
            return convergence == null || convergence.isStable() ? solution : solution.warning(convergence.verdict());
        } catch (InvalidDataException e) {
            // The files that such an error names are captures of the texts, which may not exist.
            throw text != null ? new InvalidDataException(e.problem().withoutFile(), e) : e;
        }
    }

    /**
     * Solves the scales of all slots, with the recipe's schemes, layers and tolerances.
     *
     * @param found a problem that reading the corpus found; null if there is none
     * @throws InvalidDataException with the first problem: {@code found}, or one that the statistics show
     */
    public static ScaleSolver.Solution solve(
            Recipe recipe, CalibrationStatistics statistics, @Nullable DataProblem found) {
        recipe.checkPairs(statistics);
        return solver(recipe).solve(statistics, found);
    }

    static ScaleSolver solver(Recipe recipe) {
        return new ScaleSolver(recipe.schemes(), recipe.capture().layerFilter()::includes, recipe.tolerances());
    }
}
