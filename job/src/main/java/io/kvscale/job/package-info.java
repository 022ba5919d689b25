/** The command line: the only place that composes recipes, calibration and exports. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job;
