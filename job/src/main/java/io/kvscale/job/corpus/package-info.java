/** Which texts are calibrated on, as token ids, in batches that do not depend on how the corpus was split. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.corpus;
