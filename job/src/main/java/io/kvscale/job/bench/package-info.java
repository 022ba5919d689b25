/** Measures the job's speed on this machine, relative to the rate at which the same files can be read. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.bench;
