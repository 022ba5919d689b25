/** The SQL functions of kvscale, listed in {@link KvFunctions}. */
@org.jspecify.annotations.NullMarked
package io.kvscale.spark.functions;
