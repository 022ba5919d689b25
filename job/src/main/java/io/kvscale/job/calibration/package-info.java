/** Runs a recipe on Spark: plans the tasks, runs them and merges their states. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.calibration;
