/** Errors in the form in which Spark's clients see them. */
@org.jspecify.annotations.NullMarked
package io.kvscale.spark.sql;
