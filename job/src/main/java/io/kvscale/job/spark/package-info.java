/** Use of Spark by all jobs: master, progress, retries, serialization, SQL errors. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.spark;
