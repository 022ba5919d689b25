/** How scales change with the number of tokens, and whether the corpus is large enough. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.convergence;
