/** The entry point: runs one command line and turns failures into exit codes. */
@org.jspecify.annotations.NullMarked
package io.kvscale.job;
