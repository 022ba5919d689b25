package io.kvscale.job.calibration;

import io.kvscale.job.recipe.OnNonfinite;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.quant.ScaleSolver;
import io.kvscale.quant.Tolerances;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import org.jspecify.annotations.Nullable;

/** Solves the scales of a recipe from statistics. */
public final class RecipeScales {
    private RecipeScales() {}

    /**
     * Solves the scales of all slots, with the recipe's schemes, layers and tolerances.
     *
     * @param found a problem that reading the corpus found; null if there is none
     * @throws InvalidDataException with the first problem: {@code found}, or one that the statistics show
     */
    public static ScaleSolver.Solution solve(
            Recipe recipe, CalibrationStatistics statistics, @Nullable DataProblem found) {
        Tolerances tolerances = new Tolerances(
                recipe.hybrid(), recipe.mla(), recipe.allowZero(), recipe.onNonfinite() == OnNonfinite.SKIP);
        return new ScaleSolver(recipe.schemes(), recipe.capture().layerFilter()::includes, tolerances)
                .solve(statistics, found);
    }
}
