/** Exact histograms of the 16-bit values of a slot, one per head: counted, packed and merged. */
@org.jspecify.annotations.NullMarked
package io.kvscale.observer.histogram;
