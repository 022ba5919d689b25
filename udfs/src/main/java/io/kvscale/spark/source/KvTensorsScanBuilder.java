package io.kvscale.spark.source;

import java.util.Arrays;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.read.SupportsPushDownFilters;
import org.apache.spark.sql.connector.read.SupportsPushDownRequiredColumns;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.types.StructType;

/** Collects the columns and filters of a query. */
final class KvTensorsScanBuilder implements ScanBuilder, SupportsPushDownFilters, SupportsPushDownRequiredColumns {
    private final SourceOptions options;
    private StructType columns = KvColumn.schema();
    private Filter[] pushed = {};

    KvTensorsScanBuilder(SourceOptions options) {
        this.options = options;
    }

    /** Accepts the supported filters, which are evaluated exactly. Returns the others, which Spark evaluates itself. */
    @Override
    public Filter[] pushFilters(Filter[] filters) {
        pushed = Arrays.stream(filters).filter(PushedFilter::isSupported).toArray(Filter[]::new);
        return Arrays.stream(filters).filter(f -> !PushedFilter.isSupported(f)).toArray(Filter[]::new);
    }

    @Override
    public Filter[] pushedFilters() {
        return pushed.clone();
    }

    @Override
    public void pruneColumns(StructType required) {
        columns = required;
    }

    @Override
    public Scan build() {
        return new KvTensorsScan(options, columns, new PushedFilter(pushed));
    }
}
