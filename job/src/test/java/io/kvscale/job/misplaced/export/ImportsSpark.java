package io.kvscale.job.misplaced.export;

import org.apache.spark.sql.types.DataType;

/** Breaks a rule on purpose. */
public record ImportsSpark(DataType type) {}
