/** One class for each command and its options. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.command;
