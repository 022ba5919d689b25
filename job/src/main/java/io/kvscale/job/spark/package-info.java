/** Spark as the jobs use it: where it runs, how far a job is, what it says of tables. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.spark;
