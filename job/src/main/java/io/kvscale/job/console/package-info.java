/** Prints tables, notices and warnings on the terminal. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.console;
