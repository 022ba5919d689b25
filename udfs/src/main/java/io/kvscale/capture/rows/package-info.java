/** Captures as rows of a table, one for each sample, layer and role. */
@org.jspecify.annotations.NullMarked
package io.kvscale.capture.rows;
