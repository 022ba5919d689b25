package io.kvscale.arrow;

/** The columns of a table of K and V, one row a tensor, and what each may hold. */
public enum Column {
    /** The sample's name; may be absent. */
    SAMPLE("sample", Holds.TEXT),
    LAYER("layer", Holds.INTEGER),
    /** {@code key} or {@code value}. */
    ROLE("role", Holds.TEXT),
    /** The dimensions of the row's tensor. */
    SHAPE("shape", Holds.INTEGERS),
    /** In place of a shape, with {@link #HEAD_DIM}. */
    HEADS("heads", Holds.INTEGER),
    HEAD_DIM("head_dim", Holds.INTEGER),
    /** Beside heads and head_dim: tokens of the row, to be checked; may be absent. */
    TOKENS("tokens", Holds.INTEGER),
    /** Beside heads and head_dim: the row's first token in its sample; may be absent. */
    POSITION("position", Holds.INTEGER),
    /** The type of the values by its safetensors name; may be absent where {@link #DATA} is a list of floats. */
    DTYPE("dtype", Holds.TEXT),
    /** The values, row-major, little endian. */
    DATA("data", Holds.VALUES);

    /** What a column holds, in the words of Arrow's types. */
    enum Holds {
        TEXT("utf8 or large_utf8"),
        INTEGER("an integer type"),
        INTEGERS("list, large_list or fixed_size_list of an integer type"),
        VALUES("binary, large_binary or fixed_size_binary, or a list of float32 or float16");

        private final String types;

        Holds(String types) {
            this.types = types;
        }

        String types() {
            return types;
        }
    }

    private final String key;
    private final Holds holds;

    Column(String key, Holds holds) {
        this.key = key;
        this.holds = holds;
    }

    /** The key under {@code kvscale: columns:} of a recipe that names the column. */
    String key() {
        return key;
    }

    Holds holds() {
        return holds;
    }
}
