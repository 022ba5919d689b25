/** What each serving engine loads: one exporter for each target of {@code kvscale export}. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.target;
