/** Measures how well a model predicts with quantized caches, beside the full-precision cache. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.evaluation;
