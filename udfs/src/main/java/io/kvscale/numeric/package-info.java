/** Number formats: the bits of a code, the number it stands for, and scales between values and codes. */
@org.jspecify.annotations.NullMarked
package io.kvscale.numeric;
