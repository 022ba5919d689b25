package io.kvscale.job.evaluation;

import io.kvscale.task.FailedSamples;

/**
 * The result of an evaluation run.
 *
 * @param failed the samples left out because the model failed on them
 */
public record EvaluationResult(Evaluation evaluation, FailedSamples failed) {}
