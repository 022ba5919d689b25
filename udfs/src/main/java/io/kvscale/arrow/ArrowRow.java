package io.kvscale.arrow;

import io.kvscale.tensor.Slot;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One row of a table: a tensor, and the position of its values in the file.
 *
 * <p>Checked: the layer is wanted, {@code begin <= end} lie within the file. Not checked: whether dtype, shape and the
 * number of bytes fit together.
 *
 * @param batch index of the record batch in the file, from 0
 * @param row index in the batch, from 0
 * @param sample null if the table has none
 * @param shape the stored dimensions; empty if the table has {@code heads} and {@code headDim} instead
 * @param heads 0 if there is a shape
 * @param headDim 0 if there is a shape
 * @param tokens the token count in the table; negative if it has none
 * @param continued whether the row continues a sample that began in another row
 * @param dtype the safetensors name, in upper case
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
        boolean continued,
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
