/** Captures as table rows: one per sample, layer and role. */
@org.jspecify.annotations.NullMarked
package io.kvscale.capture.rows;
