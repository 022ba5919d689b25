package io.kvscale.spark.source;

import io.kvscale.capture.rows.CaptureRow;
import io.kvscale.capture.rows.CaptureRows;
import io.kvscale.spark.sql.SparkErrors;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** Reads the rows of one task. */
final class KvPartitionReader implements PartitionReader<InternalRow> {
    private final CaptureRows rows;
    private final List<KvColumn> columns;
    private @Nullable CaptureRow row;

    KvPartitionReader(CaptureRows rows, StructType columns) {
        this.rows = rows;
        this.columns = Arrays.stream(columns.fieldNames()).map(KvColumn::named).toList();
    }

    @Override
    public boolean next() {
        row = SparkErrors.translate(() -> nextRow(rows));
        return row != null;
    }

    /** Remedies are written for recipes; the keys of recipes are options here. */
    private static @Nullable CaptureRow nextRow(CaptureRows rows) {
        try {
            return rows.next();
        } catch (InvalidDataException e) {
            DataProblem problem = e.problem();
            String remedy = problem.remedy().replace(" under kvscale in the recipe", " as an option");
            throw new InvalidDataException(
                    new DataProblem(
                            problem.what(), remedy, problem.sample(), problem.slot(), problem.file(), problem.tensor()),
                    e);
        }
    }

    @Override
    public InternalRow get() {
        CaptureRow current = row;
        if (current == null) {
            throw new IllegalStateException("get() before next()");
        }
        return KvRow.of(current, columns, rows);
    }

    @Override
    public CustomTaskMetric[] currentMetricsValues() {
        return new CustomTaskMetric[] {new BytesReadMetric.Task(rows.readBytes())};
    }

    @Override
    public void close() {
        rows.close();
    }
}
