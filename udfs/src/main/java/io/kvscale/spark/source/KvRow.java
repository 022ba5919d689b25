package io.kvscale.spark.source;

import io.kvscale.capture.TensorValues;
import io.kvscale.capture.rows.CaptureRow;
import io.kvscale.capture.rows.CaptureRows;
import io.kvscale.spark.sql.SparkErrors;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/** A row that reads {@code data} only on access. Consumers of {@link TensorValues} read it in chunks instead. */
final class KvRow extends GenericInternalRow implements TensorValues {
    private static final long serialVersionUID = 1L;

    private final transient CaptureRows rows;
    private final transient KvSource source;
    private final int data;

    private KvRow(@Nullable Object[] values, int data, KvSource source, CaptureRows rows) {
        super(values);
        this.rows = rows;
        this.source = source;
        this.data = data;
    }

    /** @param rows the source of the values; the row is valid until the next row is read */
    static KvRow of(CaptureRow row, List<KvColumn> columns, CaptureRows rows) {
        @Nullable Object[] values = new @Nullable Object[columns.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(row, columns.get(i));
        }
        return new KvRow(values, columns.indexOf(KvColumn.DATA), row.source(), rows);
    }

    private static @Nullable Object value(CaptureRow row, KvColumn column) {
        Geometry geometry = row.source().geometry();
        return switch (column) {
            case SAMPLE -> UTF8String.fromString(row.sample());
            case LAYER -> row.slot().layer();
            case ROLE -> UTF8String.fromString(row.slot().role().word());
            case HEADS -> geometry.heads();
            case HEAD_DIM -> geometry.headDim();
            case TOKENS -> row.tokens();
            case DTYPE -> UTF8String.fromString(geometry.dtype().name());
            case POSITION -> row.position();
            case DATA -> null;
        };
    }

    @Override
    public @Nullable Object genericGet(int ordinal) {
        return ordinal == data ? SparkErrors.translate(rows::values) : super.genericGet(ordinal);
    }

    @Override
    public boolean isNullAt(int ordinal) {
        return ordinal != data && super.isNullAt(ordinal);
    }

    @Override
    public KvSource source() {
        return source;
    }

    @Override
    public boolean isColumn(int ordinal) {
        return ordinal == data;
    }

    @Override
    public void forEachChunk(Chunks chunks) {
        rows.read(chunks);
    }
}
