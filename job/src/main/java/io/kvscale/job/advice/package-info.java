/** Recommends a number format for each slot, from the error of every format on the slot's histogram. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.advice;
