package io.kvscale.job.recipe;

/** What to do about NaN and infinite values of K and V. */
public enum OnNonfinite {
    /** Fail and name the first file. The default. */
    FAIL,
    /** Leave them out of the ranges and count them. */
    SKIP
}
