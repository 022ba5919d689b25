/** What {@code spark.sql.extensions} puts into a Spark session. */
@org.jspecify.annotations.NullMarked
package io.kvscale.spark;
