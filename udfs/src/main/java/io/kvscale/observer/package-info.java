/** Mergeable statistics: a commutative monoid per slot, with its byte format; the kernels that feed it. */
@org.jspecify.annotations.NullMarked
package io.kvscale.observer;
