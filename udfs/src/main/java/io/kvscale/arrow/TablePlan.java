package io.kvscale.arrow;

import java.util.Map;

/**
 * Where in the lists of nodes and buffers of a record batch the columns are found.
 *
 * @param columns those of the table that are read
 * @param nodes of a record batch
 * @param buffers of a record batch, without the data buffers of views, whose number each batch says
 * @param views fields with such data buffers
 */
record TablePlan(Map<Column, Place> columns, int nodes, int buffers, int views) {
    TablePlan {
        columns = Map.copyOf(columns);
    }

    /**
     * One column.
     *
     * @param node index of its node
     * @param buffer index of its first buffer, were there no views before it
     * @param viewsBefore fields of views before it
     */
    record Place(String name, ColumnType type, int node, int buffer, int viewsBefore) {}
}
