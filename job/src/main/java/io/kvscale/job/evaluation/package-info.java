/** How good scales are: a model's predictions with the quantized cache, beside those with the full-precision one. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.evaluation;
