/** Which samples of a text corpus a model runs on: read, chosen, cut and batched, as token ids. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.corpus;
