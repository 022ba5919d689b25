package io.kvscale.job.evaluation;

import io.kvscale.scheme.table.ScaleTable;

/**
 * A scale table to evaluate.
 *
 * @param name the folder or file as the user gave it
 */
public record NamedScales(String name, ScaleTable table) {}
