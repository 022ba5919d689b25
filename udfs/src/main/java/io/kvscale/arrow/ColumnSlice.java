package io.kvscale.arrow;

import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** One column of one record batch: its nulls, the positions of its elements and, if loaded, the elements. */
final class ColumnSlice {
    /** Maximum bytes of the loaded elements of one column. */
    private static final int MAX_LOADED = 16 << 20;

    private static final int MAX_TEXT = 64 << 10;

    private final TablePlan.Place place;
    private final ColumnType type;
    private final BatchLayout layout;
    private final int batch;
    private final @Nullable ByteBuffer validity;
    private final @Nullable ByteBuffer offsets;
    private final int elements;
    private @Nullable ByteBuffer loaded;
    private long loadedFrom;

    /** Reads the positions of a column's elements. */
    ColumnSlice(TablePlan.Place place, BatchLayout layout, int batch, Bytes bytes) throws IOException {
        this.place = place;
        this.type = place.type();
        this.layout = layout;
        this.batch = batch;
        int first = layout.firstBuffer(place);
        int rows = layout.rows();
        if (layout.lengths()[place.node()] != rows) {
            throw damaged("has " + layout.lengths()[place.node()] + " rows, expected " + rows);
        }
        boolean nulls = layout.nulls()[place.node()] > 0;
        this.validity = nulls ? buffer(bytes, first, (rows + 7) / 8, "validity") : null;
        this.offsets = type.offsetBytes() > 0 && rows > 0
                ? buffer(bytes, first + 1, (rows + 1L) * type.offsetBytes(), "offsets")
                : null;
        this.elements = first + type.buffersBefore();
        checkOffsets();
    }

    /** Reads the elements too. */
    void load(Bytes bytes) throws IOException {
        if (layout.rows() == 0) {
            return;
        }
        loadedFrom = begin(0);
        long length = end(layout.rows() - 1) - loadedFrom;
        if (length > MAX_LOADED) {
            throw Refusals.refusal(
                    "column '" + place.name() + "' of record batch " + batch + " holds " + length + " bytes",
                    "write the table in smaller batches");
        }
        loaded = MessageFrame.bytes(bytes, loadedFrom, (int) length);
    }

    private ByteBuffer buffer(Bytes bytes, int index, long least, String what) throws IOException {
        if (layout.bytes()[index] < least) {
            throw damaged("has " + layout.bytes()[index] + " bytes of " + what + ", expected at least " + least);
        }
        return MessageFrame.bytes(bytes, layout.begins()[index], (int) least);
    }

    private void checkOffsets() {
        long last = element(0);
        for (int row = 0; row < layout.rows(); row++) {
            long next = element(row + 1);
            if (last < 0 || next < last) {
                throw damaged("has decreasing offsets: " + last + " before " + next);
            }
            last = next;
        }
        long held = layout.bytes()[elements] / type.bytes();
        if (type.nested()) {
            held = Math.min(held, layout.lengths()[place.node() + 1]);
        }
        if (last > held) {
            throw damaged("needs " + last + " elements, but its buffers hold " + held);
        }
        if (type.nested() && layout.nulls()[place.node() + 1] > 0) {
            throw Refusals.refusal(
                    "column '" + place.name() + "' of record batch " + batch + " has nulls in its lists",
                    "write every element of every row");
        }
    }

    /** The index of a row's first element; for the row after the last, the number of elements. */
    private long element(int row) {
        if (offsets == null) {
            return (long) row * type.perRow();
        }
        return type.offsetBytes() == 4 ? offsets.getInt(4 * row) : offsets.getLong(8 * row);
    }

    boolean isNull(int row) {
        return validity != null && (validity.get(row / 8) >> (row % 8) & 1) == 0;
    }

    /** File position of a row's first element. */
    long begin(int row) {
        return layout.begins()[elements] + element(row) * type.bytes();
    }

    /** File position after a row's last element. */
    long end(int row) {
        return begin(row + 1);
    }

    /** The number of elements of a row. */
    long count(int row) {
        return element(row + 1) - element(row);
    }

    ColumnType type() {
        return type;
    }

    /** An integer of a row that is not null, by its index in the row; at most {@link Long#MAX_VALUE}. */
    long integer(int row, int index) {
        int at = (int) (begin(row) - loadedFrom) + index * type.bytes();
        boolean signed = type.element() == ColumnType.Element.SIGNED;
        ByteBuffer from = elements();
        return switch (type.bytes()) {
            case 1 -> signed ? from.get(at) : Byte.toUnsignedLong(from.get(at));
            case 2 -> signed ? from.getShort(at) : Short.toUnsignedLong(from.getShort(at));
            case 4 -> signed ? from.getInt(at) : Integer.toUnsignedLong(from.getInt(at));
            default -> {
                long value = from.getLong(at);
                yield !signed && value < 0 ? Long.MAX_VALUE : value;
            }
        };
    }

    /** The text of a row that is not null. */
    String text(int row) {
        if (count(row) > MAX_TEXT) {
            throw refusal(row, "holds " + count(row) + " bytes of text", "write at most " + MAX_TEXT + " bytes");
        }
        int at = (int) (begin(row) - loadedFrom);
        try {
            // A String would replace invalid UTF-8, so that two names could become one.
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(elements().slice(at, (int) count(row)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new InvalidDataException(
                    refusal(row, "holds text that is not UTF-8", "write it as UTF-8")
                            .problem(),
                    e);
        }
    }

    private ByteBuffer elements() {
        if (loaded == null) {
            throw new IllegalStateException(place.name() + " was not loaded");
        }
        return loaded;
    }

    /** The error of one cell. */
    InvalidDataException refusal(int row, String what, String remedy) {
        return Refusals.refusal(
                "column '" + place.name() + "' of record batch " + batch + ", row " + row + " " + what, remedy);
    }

    private InvalidDataException damaged(String what) {
        return Refusals.damaged("column '" + place.name() + "' of record batch " + batch + " " + what);
    }
}
