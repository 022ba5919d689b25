/** Measures the job on this machine, against the rate at which the same files can be read at all. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.bench;
