/** HTML reports of a calibration and of an evaluation. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.report;
