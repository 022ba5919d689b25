/** The texts that a model runs on: read, chosen, truncated and batched as token ids. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.corpus;
