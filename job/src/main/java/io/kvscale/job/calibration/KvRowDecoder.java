package io.kvscale.job.calibration;

import io.kvscale.capture.layout.KvTableRow;
import io.kvscale.task.RowSink;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * Decodes rows of {@link TableSchema#projection}. Reads Spark's internal rows, which need no object per value.
 *
 * @param table the table's name, used in messages in place of a file; empty if each row names its file
 * @param floats whether the values are {@code array<float>}, else binary
 * @param values whether rows hold the values, else only their length
 */
record KvRowDecoder(String table, boolean floats, boolean values) implements Serializable {
    private static final int SAMPLE = 0;
    private static final int LAYER = 1;
    private static final int ROLE = 2;
    private static final int SHAPE = 3;
    private static final int HEADS = 4;
    private static final int HEAD_DIM = 5;
    private static final int DTYPE = 6;
    private static final int POSITION = 7;
    private static final int TOKENS = 8;
    private static final int FILE = 9;
    private static final int DATA = 10;

    /** Passes one row on. */
    void give(InternalRow row, RowSink task) {
        boolean absent = row.isNullAt(DATA);
        ByteBuffer data = absent || !values ? null : data(row);
        long bytes = absent ? -1 : data != null ? data.remaining() : row.getLong(DATA);
        Long position = number(row, POSITION);
        task.row(
                new KvTableRow(
                        table.isEmpty() ? String.valueOf(text(row, FILE)) : table,
                        text(row, SAMPLE),
                        number(row, LAYER),
                        text(row, ROLE),
                        shape(row),
                        number(row, HEADS),
                        number(row, HEAD_DIM),
                        number(row, TOKENS),
                        text(row, DTYPE),
                        bytes,
                        floats,
                        floats && values && !absent && hasNulls(row.getArray(DATA)),
                        position != null && position > 0),
                data);
    }

    private ByteBuffer data(InternalRow row) {
        if (!floats) {
            return ByteBuffer.wrap(row.getBinary(DATA)).order(ByteOrder.LITTLE_ENDIAN);
        }
        ArrayData list = row.getArray(DATA);
        float[] numbers = list.toFloatArray();
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(numbers.length, Float.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(numbers);
        return bytes;
    }

    private static boolean hasNulls(ArrayData list) {
        int size = list.numElements();
        for (int i = 0; i < size; i++) {
            if (list.isNullAt(i)) {
                return true;
            }
        }
        return false;
    }

    private static @Nullable String text(InternalRow row, int column) {
        UTF8String text = row.isNullAt(column) ? null : row.getUTF8String(column);
        return text == null ? null : text.toString();
    }

    private static @Nullable Long number(InternalRow row, int column) {
        return row.isNullAt(column) ? null : row.getLong(column);
    }

    private static @Nullable List<@Nullable Long> shape(InternalRow row) {
        if (row.isNullAt(SHAPE)) {
            return null;
        }
        ArrayData list = row.getArray(SHAPE);
        List<@Nullable Long> shape = new ArrayList<>();
        for (int i = 0; i < list.numElements(); i++) {
            shape.add(list.isNullAt(i) ? null : list.getLong(i));
        }
        return shape;
    }
}
