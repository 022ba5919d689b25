package io.kvscale.arrow;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Sample;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Decodes the rows of one record batch: every column but the values. */
final class BatchReader {
    private static final int MAX_RANK = 8;
    private static final String FILL = "write it in every row";

    private final Map<Column, ColumnSlice> columns;
    private final TableQuery query;
    private final int batch;
    private final int rows;

    private BatchReader(Map<Column, ColumnSlice> columns, TableQuery query, int batch, int rows) {
        this.columns = columns;
        this.query = query;
        this.batch = batch;
        this.rows = rows;
    }

    /**
     * The rows of the wanted layers, in order.
     *
     * @throws InvalidDataException for the first error of the batch, whichever part of the file is wanted
     */
    static List<ArrowRow> read(MessageFrame frame, int batch, TablePlan plan, TableQuery query, Bytes bytes)
            throws IOException {
        BatchLayout layout = BatchLayout.read(frame, plan);
        Map<Column, ColumnSlice> columns = new EnumMap<>(Column.class);
        for (Map.Entry<Column, TablePlan.Place> column : plan.columns().entrySet()) {
            ColumnSlice slice = new ColumnSlice(column.getValue(), layout, batch, bytes);
            if (column.getKey() != Column.DATA) {
                slice.load(bytes);
            }
            columns.put(column.getKey(), slice);
        }
        return new BatchReader(columns, query, batch, layout.rows()).rows();
    }

    private List<ArrowRow> rows() {
        List<ArrowRow> read = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            int layer = layer(row);
            if (!query.layers().test(layer)) {
                continue;
            }
            Slot slot = new Slot(layer, role(row));
            String sample = textOrNull(Column.SAMPLE, row);
            try {
                read.add(row(row, sample, slot));
            } catch (InvalidDataException e) {
                DataProblem problem = e.problem().inSlot(slot);
                throw new InvalidDataException(sample == null ? problem : problem.inSample(Sample.named(sample)), e);
            }
        }
        return read;
    }

    private ArrowRow row(int row, @Nullable String sample, Slot slot) {
        boolean shaped = columns.containsKey(Column.SHAPE);
        List<Long> shape = shaped ? shape(row) : List.of();
        long heads = shaped ? 0 : positive(Column.HEADS, row);
        long headDim = shaped ? 0 : positive(Column.HEAD_DIM, row);
        String dtype = dtype(row);
        ColumnSlice data = present(Column.DATA, row);
        return new ArrowRow(
                batch,
                row,
                sample,
                slot,
                shape,
                heads,
                headDim,
                integerOr(-1, Column.TOKENS, row),
                integerOr(0, Column.POSITION, row) > 0,
                dtype,
                data.begin(row),
                data.end(row));
    }

    private int layer(int row) {
        ColumnSlice column = present(Column.LAYER, row);
        long layer = column.integer(row, 0);
        if (layer < 0 || layer > Slot.MAX_LAYER) {
            throw column.refusal(row, "is layer " + layer + ", expected 0 to " + Slot.MAX_LAYER, "correct the table");
        }
        return (int) layer;
    }

    private Role role(int row) {
        ColumnSlice column = present(Column.ROLE, row);
        String text = column.text(row);
        return Role.named(text)
                .orElseThrow(() -> column.refusal(
                        row, "is '" + DataProblem.shown(text) + "', expected key or value", "write key or value"));
    }

    private List<Long> shape(int row) {
        ColumnSlice column = present(Column.SHAPE, row);
        if (column.count(row) > MAX_RANK) {
            throw column.refusal(
                    row, "has " + column.count(row) + " dimensions", "write the shape as [B,H,S,D] or [S,H,D]");
        }
        List<Long> shape = new ArrayList<>();
        for (int i = 0; i < column.count(row); i++) {
            shape.add(column.integer(row, i));
        }
        if (shape.stream().anyMatch(dimension -> dimension < 0)) {
            throw column.refusal(row, "is " + shape, "write non-negative dimensions");
        }
        return shape;
    }

    private long positive(Column which, int row) {
        ColumnSlice column = present(which, row);
        long value = column.integer(row, 0);
        if (value < 1) {
            throw column.refusal(
                    row, "is " + value, "write num_key_value_heads and head_dim of the model's config.json");
        }
        return value;
    }

    private long integerOr(long byDefault, Column which, int row) {
        ColumnSlice column = columns.get(which);
        return column == null || column.isNull(row) ? byDefault : column.integer(row, 0);
    }

    private String dtype(int row) {
        ColumnType values = column(Column.DATA).type();
        String stated = textOrNull(Column.DTYPE, row);
        String upper = stated == null ? null : stated.toUpperCase(Locale.ROOT);
        if (values.element() != ColumnType.Element.FLOAT) {
            if (upper == null) {
                throw present(Column.DTYPE, row).refusal(row, "is absent", FILL);
            }
            return upper;
        }
        String own = (values.bytes() == 4 ? Dtype.F32 : Dtype.F16).name();
        if (stated != null && !own.equals(upper)) {
            throw column(Column.DTYPE)
                    .refusal(
                            row,
                            "is '" + DataProblem.shown(stated) + "', but the column '" + query.name(Column.DATA)
                                    + "' is a list of " + own,
                            "write " + own + " or omit the column; write other types as binary");
        }
        return own;
    }

    private @Nullable String textOrNull(Column which, int row) {
        ColumnSlice column = columns.get(which);
        return column == null || column.isNull(row) ? null : column.text(row);
    }

    private ColumnSlice present(Column which, int row) {
        ColumnSlice column = column(which);
        if (column.isNull(row)) {
            throw column.refusal(row, "is null", FILL);
        }
        return column;
    }

    private ColumnSlice column(Column which) {
        return Objects.requireNonNull(columns.get(which));
    }
}
