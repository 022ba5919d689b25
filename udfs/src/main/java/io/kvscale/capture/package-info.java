/** Capture files: the formats, listing, headers, masks, and reading the values of K and V. */
@org.jspecify.annotations.NullMarked
package io.kvscale.capture;
