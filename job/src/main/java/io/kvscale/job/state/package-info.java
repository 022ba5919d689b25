/** Keeps the statistics of groups of files between runs. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.state;
