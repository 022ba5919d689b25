/** Chooses samples and groups them into batches, independently of how the texts are split. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.corpus.plan;
