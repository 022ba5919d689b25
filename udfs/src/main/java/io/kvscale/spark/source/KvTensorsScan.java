package io.kvscale.spark.source;

import io.kvscale.capture.CaptureListing;
import io.kvscale.capture.rows.CaptureRows;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.spark.sql.SparkErrors;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.metric.CustomMetric;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.jspecify.annotations.Nullable;

/**
 * A scan of captures. Plans splits as the job does, over the files that may hold rows of the query. Rows are few and
 * large and their values are read on access, so columnar batches would not help.
 */
public final class KvTensorsScan implements Scan, Batch {
    private final SourceOptions options;
    private final StructType columns;
    private final PushedFilter filter;
    private InputPartition @Nullable [] planned;

    KvTensorsScan(SourceOptions options, StructType columns, PushedFilter filter) {
        this.options = options;
        this.columns = columns;
        this.filter = filter;
    }

    @Override
    public StructType readSchema() {
        return columns;
    }

    @Override
    public String description() {
        return KvTensorsSource.NAME + " " + options.paths() + ", columns "
                + Arrays.toString(columns.fieldNames())
                + Arrays.stream(filter.filters()).map(f -> ", " + f).collect(Collectors.joining());
    }

    @Override
    public Batch toBatch() {
        return this;
    }

    /** @throws org.apache.spark.SparkRuntimeException if a path does not exist or holds no capture */
    @Override
    public InputPartition[] planInputPartitions() {
        InputPartition[] known = planned;
        if (known == null) {
            SparkSession spark = SparkSession.active();
            List<InputFile> files = SparkErrors.translate(() -> listing(spark)).files().stream()
                    .filter(file -> CaptureRows.mayHold(file, filter))
                    .toList();
            int count = options.partitions() > 0
                    ? options.partitions()
                    : Split.count(files, Math.max(1, spark.leafNodeDefaultParallelism()));
            known = Split.plan(files, count).stream().map(KvPartition::new).toArray(InputPartition[]::new);
            planned = known;
        }
        return known.clone();
    }

    private CaptureListing listing(SparkSession spark) {
        CaptureListing listing = CaptureListing.of(options.paths(), hadoop(spark));
        options.check(listing);
        return listing;
    }

    @Override
    public PartitionReaderFactory createReaderFactory() {
        boolean values = Arrays.asList(columns.fieldNames()).contains(KvColumn.DATA.column());
        return new KvReaderFactory(
                columns,
                options.capture(),
                shipped(),
                filter,
                new CaptureRows.Wanted(values && filter.filters().length == 0, options.maxRowBytes()));
    }

    /** Broadcast once to each executor; sending it with each task took a tenth of the task's time. */
    private static Broadcast<SerializableConfiguration> shipped() {
        SparkSession spark = SparkSession.active();
        return JavaSparkContext.fromSparkContext(spark.sparkContext())
                .broadcast(new SerializableConfiguration(hadoop(spark)));
    }

    private static Configuration hadoop(SparkSession spark) {
        return spark.sessionState().newHadoopConf();
    }

    @Override
    public CustomMetric[] supportedCustomMetrics() {
        return new CustomMetric[] {new BytesReadMetric()};
    }
}
