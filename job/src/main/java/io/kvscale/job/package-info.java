/** The entry point: runs one command line and turns exceptions into exit codes. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job;
