/** The table of recipe keys, and typed access to their values in recipes and data source options. */
@org.jspecify.annotations.NullMarked
package io.kvscale.option;
