package io.kvscale.job.calibration;

import io.kvscale.job.recipe.Recipe;
import io.kvscale.model.onnx.ModelShape;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Checks the strata whose statistics are kept apart: before the model runs, and after. */
final class StratumLimits {
    /** Maximum number of bytes that the statistics of all strata may take in a task, and in the driver. */
    private static final long MAX_BYTES = 256L << 20;

    /** Ranges of a channel, as objects on the heap. */
    private static final long CHANNEL_BYTES = 20;
    /** The packed histogram of a head, in captures of larger models. */
    private static final long HEAD_BYTES = 10_000;

    private StratumLimits() {}

    /**
     * @param strata the number of strata
     * @throws InvalidDataException if the statistics of all strata together need too much memory
     */
    static void check(Recipe recipe, ModelShape shape, int strata) {
        Geometry geometry = shape.geometry();
        long slot = geometry.channels() * CHANNEL_BYTES
                + (recipe.statistics().histograms() ? geometry.heads() * HEAD_BYTES : 0);
        long each = slot * shape.slots().size();
        if (strata * each > MAX_BYTES) {
            throw new InvalidDataException(DataProblem.of(
                    "statistics_by keeps apart " + strata + " values of "
                            + DataProblem.shown(recipe.text().options().fields().statisticsBy())
                            + ", which takes about "
                            + (strata * each >> 20) + " MB in each task; the maximum is " + (MAX_BYTES >> 20)
                            + " MB, or "
                            + MAX_BYTES / each + " values with this model",
                    "name a field with fewer values"
                            + (recipe.statistics().histograms() ? ", or keep no histograms (statistics: range)" : "")));
        }
    }

    /**
     * The problem of a stratum of which no text was observed, because the model failed on all of them; null if there is none.
     *
     * @param chosen the number of texts of each stratum
     */
    static @Nullable DataProblem missing(TaskState state, SortedMap<String, Long> chosen) {
        SortedMap<String, Long> strata = new TreeMap<>(chosen);
        strata.keySet().removeAll(state.strata().keySet());
        if (strata.isEmpty()
                || state.problem() != null
                || state.tally().failed().count() == 0) {
            return null;
        }
        String first = strata.firstKey();
        return DataProblem.of(
                "there are no statistics of stratum " + DataProblem.shown(first) + ": the model failed on all of its "
                        + strata.get(first) + " texts",
                "look at the failed samples with max_failed_samples: 0, or remove statistics_by");
    }
}
