package io.kvscale.job.misplaced.export;

import org.apache.spark.sql.types.DataType;

/** Breaks no rule: an exporter of tables may use Spark. */
public record SparkTableExporter(DataType type) {}
