package io.kvscale.capture.layout;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The columns of one row of a K/V table except its values, see {@link TableColumns}. A component is null if the row has
 * null or the table has no such column.
 *
 * @param file the file that holds the row, or {@link io.kvscale.tensor.DataProblem#TABLE} and the table's name
 * @param shape [B,H,S,D] or [S,H,D]; null: values are [H,S,D] with {@code heads} and {@code headDim}
 * @param tokens the token count that goes with {@code heads}, to be checked; may be null
 * @param bytes length of the values; negative if the column is null
 * @param floats whether the values are a list of 32-bit floats
 * @param holes whether that list contains nulls
 * @param continued whether the row continues a sample that began in another row
 */
public record KvTableRow(
        String file,
        @Nullable String sample,
        @Nullable Long layer,
        @Nullable String role,
        @Nullable List<@Nullable Long> shape,
        @Nullable Long heads,
        @Nullable Long headDim,
        @Nullable Long tokens,
        @Nullable String dtype,
        long bytes,
        boolean floats,
        boolean holes,
        boolean continued) {}
