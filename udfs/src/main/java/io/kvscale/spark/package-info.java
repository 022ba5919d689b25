/** The Spark session extension of kvscale. */
@org.jspecify.annotations.NullMarked
package io.kvscale.spark;
