package io.kvscale.job.calibration;

import io.kvscale.observer.CalibrationStatistics;
import io.kvscale.task.CalibrationTask;
import io.kvscale.tensor.DataProblem;
import org.jspecify.annotations.Nullable;

/**
 * What a pass over a corpus gives.
 *
 * @param statistics merged over all tasks; incomplete if there is a problem
 * @param problem the first thing that is wrong with the files, by sample, layer and role; null if nothing is
 * @param tally what the tasks counted beside the statistics
 */
public record CalibrationOutcome(
        CalibrationStatistics statistics, @Nullable DataProblem problem, CalibrationTask.Tally tally) {}
