/** Result folders, which appear whole or not at all. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.export;
