/** Lays scales into a copy, or a folder of links, of a model's folder. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.merge;
