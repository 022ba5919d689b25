/** The scale table: the scales of every slot, read and written as {@code kv_scales.json} by {@link ScaleTable}. */
@org.jspecify.annotations.NullMarked
package io.kvscale.scheme.table;
