/** A model's files on executors. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.model;
