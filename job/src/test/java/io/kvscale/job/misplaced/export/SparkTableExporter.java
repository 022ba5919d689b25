package io.kvscale.job.misplaced.export;

import org.apache.spark.sql.types.DataType;

/** Keeps the rules: an exporter of tables may use Spark. */
public record SparkTableExporter(DataType type) {}
