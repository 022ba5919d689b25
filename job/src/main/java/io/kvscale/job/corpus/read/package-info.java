/** Reads texts from files and tables on Spark. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.corpus.read;
