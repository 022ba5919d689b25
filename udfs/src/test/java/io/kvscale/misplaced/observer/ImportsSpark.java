package io.kvscale.misplaced.observer;

import org.apache.spark.sql.types.DataType;

/** Breaks a rule on purpose. */
public record ImportsSpark(DataType type) {}
