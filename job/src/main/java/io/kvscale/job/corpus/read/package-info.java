/** Reads texts from files and tables on Spark and tokenizes them. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.corpus.read;
