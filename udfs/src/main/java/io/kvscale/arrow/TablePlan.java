package io.kvscale.arrow;

import java.util.Map;

/**
 * The indexes of columns in the lists of nodes and buffers of a record batch.
 *
 * @param columns the columns that are read
 * @param nodes number of nodes of a record batch
 * @param buffers number of buffers of a record batch, without view data buffers, whose number differs by batch
 * @param views number of fields with view data buffers
 */
record TablePlan(Map<Column, Place> columns, int nodes, int buffers, int views) {
    TablePlan {
        columns = Map.copyOf(columns);
    }

    /**
     * One column.
     *
     * @param node index of its node
     * @param buffer index of its first buffer, without counting view data buffers before it
     * @param viewsBefore number of view fields before it
     */
    record Place(String name, ColumnType type, int node, int buffer, int viewsBefore) {}
}
