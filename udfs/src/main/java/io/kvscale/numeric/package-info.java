/** Number formats: the bits of a code and the real number it stands for. */
@org.jspecify.annotations.NullMarked
package io.kvscale.numeric;
