/** Reads the folder of a model's weights without trusting it: names of tensors, configs, scales. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.checkpoint;
