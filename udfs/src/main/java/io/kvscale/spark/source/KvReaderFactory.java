package io.kvscale.spark.source;

import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.capture.rows.CaptureRows;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/** Everything that a task needs to read its rows; sent to the executors. */
record KvReaderFactory(
        StructType columns,
        CaptureOptions options,
        Broadcast<SerializableConfiguration> configuration,
        PushedFilter filter,
        CaptureRows.Wanted wanted)
        implements PartitionReaderFactory {

    @Override
    public PartitionReader<InternalRow> createReader(InputPartition partition) {
        CaptureRows rows = new CaptureRows(
                ((KvPartition) partition).split(),
                options,
                configuration.value().value(),
                filter,
                wanted);
        return new KvPartitionReader(rows, columns);
    }
}
