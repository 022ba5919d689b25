/** What was calibrated, from what, and how wrong it is, as one page to look at. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.report;
