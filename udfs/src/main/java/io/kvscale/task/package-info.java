/** What one Spark task does with captures, table rows or texts, and the state it returns. */
@org.jspecify.annotations.NullMarked
package io.kvscale.task;
