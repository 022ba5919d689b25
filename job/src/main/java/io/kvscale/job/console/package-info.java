/** Tables, progress lines and warnings as people see them on the terminal. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job.console;
