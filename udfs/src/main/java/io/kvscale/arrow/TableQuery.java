package io.kvscale.arrow;

import java.util.Map;
import java.util.Objects;
import java.util.function.IntPredicate;

/**
 * The columns and layers to read from a table.
 *
 * @param names the name of every {@link Column}
 * @param layers the wanted layers; other columns of rows of other layers are not read
 */
public record TableQuery(Map<Column, String> names, IntPredicate layers) {
    public TableQuery {
        names = Map.copyOf(names);
        if (names.size() != Column.values().length) {
            throw new IllegalArgumentException("a column without a name: " + names);
        }
    }

    String name(Column column) {
        return Objects.requireNonNull(names.get(column));
    }
}
