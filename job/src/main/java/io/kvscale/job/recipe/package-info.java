/** The recipe file: wraps {@code scheme}, validated, immutable. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.recipe;
