/**
 * The observers: each turns the statistics of a slot into the ranges that its scales come from. {@link RangeRule} is the way
 * in.
 */
@org.jspecify.annotations.NullMarked
package io.kvscale.quant.search;
