/** Kernels for minimum and maximum, with and without the Vector API. */
@org.jspecify.annotations.NullMarked
package io.kvscale.observer.kernel;
