/** Runs a recipe on Spark: plan splits, run tasks, merge. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.calibration;
