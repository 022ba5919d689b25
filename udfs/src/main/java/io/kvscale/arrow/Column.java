package io.kvscale.arrow;

/** The columns of a K/V table with one row per tensor, and the types that each accepts. */
public enum Column {
    /** The sample's name; optional. */
    SAMPLE(Holds.TEXT),
    LAYER(Holds.INTEGER),
    /** {@code key} or {@code value}. */
    ROLE(Holds.TEXT),
    /** The dimensions of the row's tensor. */
    SHAPE(Holds.INTEGERS),
    /** Instead of a shape, with {@link #HEAD_DIM}. */
    HEADS(Holds.INTEGER),
    HEAD_DIM(Holds.INTEGER),
    /** With heads and head_dim: the row's number of tokens, to be checked; optional. */
    TOKENS(Holds.INTEGER),
    /** With heads and head_dim: index of the row's first token in its sample; optional. */
    POSITION(Holds.INTEGER),
    /** The safetensors name of the values' type; optional if {@link #DATA} is a list of floats. */
    DTYPE(Holds.TEXT),
    /** The values, row-major, little endian. */
    DATA(Holds.VALUES);

    /** The Arrow types that a column accepts. */
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

    private final Holds holds;

    Column(Holds holds) {
        this.holds = holds;
    }

    Holds holds() {
        return holds;
    }
}
