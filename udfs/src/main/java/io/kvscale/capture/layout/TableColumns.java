package io.kvscale.capture.layout;

import java.io.Serializable;

/**
 * The column names of a K/V table with one row per tensor. A table has {@code shape}, or {@code heads} and
 * {@code head_dim}. Optional are {@code sample}, and {@code dtype} if the type of {@code data} implies it.
 *
 * @param sample text: the name of the sample
 * @param layer an integer
 * @param role text: {@code key} or {@code value}
 * @param shape a list of integers: [B,H,S,D] or [S,H,D]
 * @param heads an integer: KV heads of a row [H,S,D] without shape
 * @param headDim an integer: head_dim of such a row
 * @param dtype text: F32, BF16 or F16
 * @param data binary, little endian, or a list of numbers; row-major
 */
public record TableColumns(
        String sample, String layer, String role, String shape, String heads, String headDim, String dtype, String data)
        implements Serializable {

    /** Optional with heads and head_dim: the number of tokens, checked against data. {@code kvtensors} writes it. */
    public static final String TOKENS = "tokens";

    /** Optional with heads and head_dim: index of the row's first token; above 0 the row continues a sample. */
    public static final String POSITION = "position";

    public static final TableColumns DEFAULT =
            new TableColumns("sample", "layer", "role", "shape", "heads", "head_dim", "dtype", "data");
}
