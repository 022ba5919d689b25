/** Replays what serving engines do with the scales of a model folder. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.check;
