/** Compares calibrated fp8 scales with the scale 1.0 that engines take without calibration. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.unitscale;
