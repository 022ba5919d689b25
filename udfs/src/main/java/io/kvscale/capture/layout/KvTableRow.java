package io.kvscale.capture.layout;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One row of a table of K and V without its values: what its columns say, see {@link TableColumns}. What is null is null
 * in the row, or the table has no such column.
 *
 * @param file the file that holds the row, or the table behind {@link io.kvscale.tensor.DataProblem#TABLE}
 * @param shape [B,H,S,D] or [S,H,D]; null: {@code heads} and {@code headDim} say it, of values [H,S,D]
 * @param tokens beside {@code heads}: what the row says of its own length, to be checked; null where it does not
 * @param bytes length of the values; negative where the column is null
 * @param floats whether the values are a list of 32-bit floats
 * @param holes whether that list has nulls among its floats
 * @param further whether the row goes on with a sample that began in another row
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
        boolean further) {}
