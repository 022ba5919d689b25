/** The log of runs: a line of JSON for each, and what changed since the one before. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.history;
