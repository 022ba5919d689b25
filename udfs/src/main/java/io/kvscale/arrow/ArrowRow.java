package io.kvscale.arrow;

import io.kvscale.tensor.Slot;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One row of a table: a tensor, and where in the file its values lie.
 *
 * <p>Checked: the layer is one that is wanted, {@code begin <= end} lie within the file. Not checked: whether dtype, shape
 * and the number of bytes go together.
 *
 * @param batch the record batch, counted from 0 in the order of the file
 * @param row within the batch, from 0
 * @param sample null where the table does not say
 * @param shape the dimensions as they are stored; empty where {@code heads} and {@code headDim} stand for them
 * @param heads 0 where there is a shape
 * @param headDim likewise
 * @param tokens how many the table says the row has; negative where it does not
 * @param further whether the row goes on with a sample that began in another row
 * @param dtype by its safetensors name, in capitals
 * @param begin first byte of the values, counted from the start of the file
 * @param end the byte after the last
 */
public record ArrowRow(
        int batch,
        int row,
        @Nullable String sample,
        Slot slot,
        List<Long> shape,
        long heads,
        long headDim,
        long tokens,
        boolean further,
        String dtype,
        long begin,
        long end) {
    public ArrowRow {
        shape = List.copyOf(shape);
    }

    /** Bytes of the values. */
    public long bytes() {
        return end - begin;
    }

    /** For messages: {@code record batch 0, row 3}. */
    public String place() {
        return "record batch " + batch + ", row " + row;
    }
}
