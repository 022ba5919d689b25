/** Result folders, which appear whole or not at all, and one exporter for each serving engine. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.export;
