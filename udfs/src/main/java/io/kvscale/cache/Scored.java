package io.kvscale.cache;

import io.kvscale.tensor.DataProblem;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What a task of an evaluation gives for one sample: one of the two.
 *
 * @param problem why there is no score; without a sample it is the model's own
 */
public record Scored(@Nullable SampleScore score, @Nullable DataProblem problem) implements Serializable {}
