package io.kvscale.job.recipe;

/** What to do about NaN and infinite values in K and V. */
public enum OnNonfinite {
    /** Calibration fails and says where they are. The default. */
    FAIL,
    /** They are left out and counted. */
    SKIP
}
