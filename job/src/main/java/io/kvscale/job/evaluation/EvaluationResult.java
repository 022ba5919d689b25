package io.kvscale.job.evaluation;

import io.kvscale.tensor.DataProblem;
import org.jspecify.annotations.Nullable;

/**
 * The result of an evaluation run.
 *
 * @param failed the number of samples left out because the model failed on them
 * @param firstFailure the failure of the first of them by name; null if there are none
 */
public record EvaluationResult(
        Evaluation evaluation, long failed, @Nullable DataProblem firstFailure) {}
