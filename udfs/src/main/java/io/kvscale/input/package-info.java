/** Lists input files of any kind, plans splits of them for tasks, and reads them in blocks. */
@org.jspecify.annotations.NullMarked
package io.kvscale.input;
