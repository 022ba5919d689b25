/** The work of one Spark task on captures, table rows or texts, and the one mergeable state that it returns. */
@org.jspecify.annotations.NullMarked
package io.kvscale.task;
