/** What channel ranges tell about a capture: whether RoPE turned K or V, and whether heads or slots are equal. */
@org.jspecify.annotations.NullMarked
package io.kvscale.observer.evidence;
