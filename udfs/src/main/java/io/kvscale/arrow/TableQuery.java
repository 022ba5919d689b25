package io.kvscale.arrow;

import java.util.Map;
import java.util.function.IntPredicate;

/**
 * What is wanted of a table.
 *
 * @param names what each column is named, for every one of {@link Column}
 * @param layers which layers; of rows of others only the layer is looked at
 */
public record TableQuery(Map<Column, String> names, IntPredicate layers) {
    public TableQuery {
        names = Map.copyOf(names);
        if (names.size() != Column.values().length) {
            throw new IllegalArgumentException("a column without a name: " + names);
        }
    }

    String name(Column column) {
        return names.getOrDefault(column, column.key());
    }
}
