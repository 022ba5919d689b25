/** Minimum and maximum of blocks of values, with the Vector API or without. */
@org.jspecify.annotations.NullMarked
package io.kvscale.observer.kernel;
