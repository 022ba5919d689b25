/** Spark SQL functions over statistics, scales and codes. */
@org.jspecify.annotations.NullMarked
package io.kvscale.spark.functions;
