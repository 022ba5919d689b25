/** The recipe file, read and validated into an immutable {@link io.kvscale.job.recipe.Recipe}. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.recipe;
