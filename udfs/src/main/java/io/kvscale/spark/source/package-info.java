/** The {@code kvtensors} data source: captures as rows. */
@org.jspecify.annotations.NullMarked
package io.kvscale.spark.source;
