package io.kvscale.job.corpus.read;

import io.kvscale.tensor.DataProblem;
import java.util.List;

/**
 * The source of texts: paths, a table or a query.
 *
 * @param paths files, folders and globs of any Hadoop file system
 * @param table a table or view in Spark's catalog; empty: none
 * @param query a SQL query; empty: none
 */
public record TextInput(List<String> paths, String table, String query) {
    public TextInput {
        paths = List.copyOf(paths);
    }

    public static TextInput paths(List<String> paths) {
        return new TextInput(paths, "", "");
    }

    public static TextInput table(String name) {
        return new TextInput(List.of(), name, "");
    }

    public static TextInput query(String sql) {
        return new TextInput(List.of(), "", sql);
    }

    boolean isSql() {
        return !table.isEmpty() || !query.isEmpty();
    }

    /** The name of the input in messages. */
    public String shown() {
        if (!table.isEmpty()) {
            return DataProblem.TABLE + DataProblem.shown(table);
        }
        return query.isEmpty() ? DataProblem.shown(String.join(", ", paths)) : DataProblem.TABLE + "of the query";
    }
}
