package io.kvscale.arrow;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.BaseIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.FixedSizeBinaryVector;
import org.apache.arrow.vector.Float2Vector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.LargeVarBinaryVector;
import org.apache.arrow.vector.LargeVarCharVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ViewVarCharVector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.LargeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.ipc.ArrowFileWriter;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.ArrowWriter;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/** A K/V table with columns of any type, written by arrow-java. Cells are text, numbers, lists of numbers, bytes or null. */
public final class TestTable {
    public static final ArrowType UTF8 = ArrowType.Utf8.INSTANCE;
    public static final ArrowType LARGE_UTF8 = ArrowType.LargeUtf8.INSTANCE;
    public static final ArrowType BINARY = ArrowType.Binary.INSTANCE;
    public static final ArrowType INT32 = new ArrowType.Int(32, true);
    public static final ArrowType INT64 = new ArrowType.Int(64, true);
    public static final ArrowType F32 = new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);
    public static final ArrowType F16 = new ArrowType.FloatingPoint(FloatingPointPrecision.HALF);
    public static final ArrowType LIST = ArrowType.List.INSTANCE;

    private final Map<String, Field> fields = new LinkedHashMap<>();
    private final Map<String, List<Object>> cells = new LinkedHashMap<>();
    private int[] batches = {Integer.MAX_VALUE};
    private Consumer<VectorSchemaRoot> last = root -> {};

    public static Field field(String name, ArrowType type, Field... children) {
        return new Field(name, FieldType.nullable(type), Arrays.asList(children));
    }

    public static Field list(String name, ArrowType type, ArrowType of) {
        return field(name, type, field("item", of));
    }

    /** Adds a column, or replaces the column with this name. */
    public TestTable column(Field field, Object... values) {
        fields.put(field.getName(), field);
        cells.put(field.getName(), new ArrayList<>(Arrays.asList(values)));
        return this;
    }

    public TestTable without(String name) {
        fields.remove(name);
        cells.remove(name);
        return this;
    }

    /** The number of rows of each batch; the last number also holds for all later batches. */
    public TestTable batches(int... rows) {
        this.batches = rows;
        return this;
    }

    /** Changes each batch before it is written. */
    public TestTable tampered(Consumer<VectorSchemaRoot> with) {
        this.last = with;
        return this;
    }

    public byte[] file() {
        return write(true);
    }

    public byte[] stream() {
        return write(false);
    }

    private byte[] write(boolean file) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (BufferAllocator allocator = new RootAllocator();
                VectorSchemaRoot root = VectorSchemaRoot.create(new Schema(fields.values()), allocator);
                ArrowWriter writer = file
                        ? new ArrowFileWriter(root, null, Channels.newChannel(bytes))
                        : new ArrowStreamWriter(root, null, Channels.newChannel(bytes))) {
            writer.start();
            int rows = cells.values().iterator().next().size();
            int from = 0;
            for (int batch = 0; from < rows; batch++) {
                int count = Math.min(rows - from, batches[Math.min(batch, batches.length - 1)]);
                fill(root, from, count);
                last.accept(root);
                writer.writeBatch();
                from += count;
            }
            writer.end();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private void fill(VectorSchemaRoot root, int from, int count) {
        for (FieldVector vector : root.getFieldVectors()) {
            vector.clear();
            vector.allocateNew();
            List<Object> values = cells.get(vector.getName());
            for (int i = 0; i < count; i++) {
                Object value = values.get(from + i);
                if (value != null) {
                    set(vector, i, value);
                } else if (vector instanceof FixedSizeListVector list) {
                    list.setNull(i);
                }
            }
            vector.setValueCount(count);
        }
        root.setRowCount(count);
    }

    private static void set(FieldVector vector, int row, Object value) {
        if (vector instanceof VarCharVector text) {
            text.setSafe(row, value.toString().getBytes(StandardCharsets.UTF_8));
        } else if (vector instanceof LargeVarCharVector text) {
            text.setSafe(row, value.toString().getBytes(StandardCharsets.UTF_8));
        } else if (vector instanceof ViewVarCharVector text) {
            text.setSafe(row, value.toString().getBytes(StandardCharsets.UTF_8));
        } else if (vector instanceof VarBinaryVector binary) {
            binary.setSafe(row, (byte[]) value);
        } else if (vector instanceof LargeVarBinaryVector binary) {
            binary.setSafe(row, (byte[]) value);
        } else if (vector instanceof FixedSizeBinaryVector binary) {
            binary.setSafe(row, (byte[]) value);
        } else if (vector instanceof BaseIntVector integers) {
            while (integers.getValueCapacity() <= row) {
                vector.reAlloc();
            }
            integers.setWithPossibleTruncate(row, ((Number) value).longValue());
            ((BaseFixedWidthVector) vector).setIndexDefined(row);
        } else if (vector instanceof Float4Vector floats) {
            floats.setSafe(row, ((Number) value).floatValue());
        } else if (vector instanceof Float2Vector floats) {
            floats.setSafe(row, ((Number) value).shortValue());
        } else if (vector instanceof ListVector list) {
            int at = list.startNewValue(row);
            int count = elements(list.getDataVector(), at, value);
            list.endValue(row, count);
        } else if (vector instanceof LargeListVector list) {
            long at = list.startNewValue(row);
            int count = elements(list.getDataVector(), (int) at, value);
            list.endValue(row, count);
        } else if (vector instanceof FixedSizeListVector list) {
            elements(list.getDataVector(), row * list.getListSize(), value);
            list.setNotNull(row);
        } else {
            throw new IllegalArgumentException(vector.getField().toString());
        }
    }

    /** Sets the elements of a list; bytes are converted to numbers of the list's type. */
    private static int elements(FieldVector to, int at, Object value) {
        List<Object> values = new ArrayList<>();
        if (value instanceof byte[] bytes) {
            ByteBuffer from = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            while (from.hasRemaining()) {
                values.add(to instanceof Float4Vector ? (Object) from.getFloat() : (Object) from.getShort());
            }
        } else {
            values.addAll((List<?>) value);
        }
        for (int i = 0; i < values.size(); i++) {
            if (values.get(i) != null) {
                set(to, at + i, values.get(i));
            }
        }
        return values.size();
    }
}
