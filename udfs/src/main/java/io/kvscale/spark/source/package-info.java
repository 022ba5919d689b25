/** The {@code kvtensors} data source: captures of K and V as rows. */
@org.jspecify.annotations.NullMarked
package io.kvscale.spark.source;
