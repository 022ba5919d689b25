/** How SQL functions are declared and called, and how errors reach Spark's clients. */
@org.jspecify.annotations.NullMarked
package io.kvscale.spark.sql;
