/** One class for each command of the command line, and its options. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.command;
