package io.kvscale.capture.layout;

import java.io.Serializable;

/**
 * The names of the columns of a table of K and V, one row a tensor. A table has {@code shape}, or {@code heads} and
 * {@code head_dim}; only {@code sample}, and {@code dtype} where the data's own type says it, may be absent.
 *
 * @param sample text: the name of the sample
 * @param layer a whole number
 * @param role text: {@code key} or {@code value}
 * @param shape a list of whole numbers: [B,H,S,D] or [S,H,D]
 * @param heads a whole number: KV heads of a row [H,S,D] without shape
 * @param headDim likewise
 * @param dtype text: F32, BF16 or F16
 * @param data binary, little endian, or a list of numbers; row-major
 */
public record TableColumns(
        String sample, String layer, String role, String shape, String heads, String headDim, String dtype, String data)
        implements Serializable {

    /** Beside heads and head_dim: tokens of the row, which its data must have. What {@code kvtensors} calls it. */
    public static final String TOKENS = "tokens";

    /** Likewise: the row's first token in its sample; above 0 the row goes on with a sample. */
    public static final String POSITION = "position";

    public static final TableColumns DEFAULT =
            new TableColumns("sample", "layer", "role", "shape", "heads", "head_dim", "dtype", "data");
}
