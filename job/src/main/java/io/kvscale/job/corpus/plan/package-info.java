/** Chooses samples and groups them into batches. The result does not depend on how the texts are split. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.corpus.plan;
