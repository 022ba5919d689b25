package io.kvscale.option;

import java.util.Collection;
import java.util.List;

/** What a recipe key applies to. */
public enum KeyScope {
    FILES("captures", true, Input.TENSORS),
    CAPTURES("captures, tables", true, Input.TENSORS, Input.TABLES),
    TABLES("tables", true, Input.TABLES),
    LAYERS("captures, tables, text", true, Input.values()),
    STATISTICS("captures, tables, text", false, Input.values()),
    SCALES("scales", false, Input.values()),
    TEXT("text", false, Input.TEXT);

    /** Kinds of input. */
    public enum Input {
        /** Files of tensors with names. */
        TENSORS,
        /** Rows of K and V, in files or not. */
        TABLES,
        TEXT
    }

    private final String shown;
    private final boolean source;
    private final List<Input> inputs;

    KeyScope(String shown, boolean source, Input... inputs) {
        this.shown = shown;
        this.source = source;
        this.inputs = List.of(inputs);
    }

    /** Whether the key says how an input of one of these kinds is read, or what is made of it. */
    public boolean concerns(Collection<Input> present) {
        return inputs.stream().anyMatch(present::contains);
    }

    /** The words of the reference in conf/README.md. */
    public String shown() {
        return shown;
    }

    /** Whether the key is also an option of the {@code kvtensors} data source. */
    public boolean isSourceOption() {
        return source;
    }
}
