package io.kvscale.arrow;

import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.Schema;
import org.apache.arrow.flatbuf.Type;
import org.apache.arrow.flatbuf.Union;
import org.apache.arrow.flatbuf.UnionMode;
import org.jspecify.annotations.Nullable;

/** Finds the columns of a K/V table in a schema; counts the nodes and buffers of all other columns to skip them. */
final class SchemaReader {
    /** Also stops at fields that contain themselves. */
    private static final int MAX_FIELDS = 100_000;

    private static final int MAX_DEPTH = 64;
    private static final int MAX_NAME = 1_000;
    private static final int SOME_NAMES = 12;
    private static final String SET_NAMES = "set the table's column names under kvscale: columns: in the recipe";

    private final TableQuery query;
    private final boolean unionsHaveValidity;
    private final Set<String> wanted;
    private final Map<String, Found> found = new HashMap<>();
    private final List<String> names = new ArrayList<>();
    private int fields;
    private int nodes;
    private int buffers;
    private int views;

    private record Found(Field field, int node, int buffer, int viewsBefore) {}

    private SchemaReader(TableQuery query, short version) {
        this.query = query;
        this.wanted = new HashSet<>(query.names().values());
        this.unionsHaveValidity = version < MetadataVersion.V5;
    }

    /** @throws InvalidDataException if a column is missing or has an unsupported type */
    static TablePlan read(Schema schema, short version, TableQuery query) {
        return Refusals.guarded("the schema", () -> new SchemaReader(query, version).read(schema));
    }

    private TablePlan read(Schema schema) {
        if (schema.endianness() != Endianness.Little) {
            throw Refusals.refusal(
                    "the table is big-endian", "write it on a little-endian machine, or with a current Arrow library");
        }
        for (int i = 0; i < schema.fieldsLength(); i++) {
            Field field = schema.fields(i);
            String name = nameOf(field);
            if (names.size() < SOME_NAMES && name != null) {
                names.add(name);
            }
            if (name != null
                    && wanted.contains(name)
                    && found.put(name, new Found(field, nodes, buffers, views)) != null) {
                throw Refusals.refusal("two columns are named '" + name + "'", "rename one of them");
            }
            layOut(field, 0);
        }
        return new TablePlan(columns(), nodes, buffers, views);
    }

    private static @Nullable String nameOf(Field field) {
        return field.nameAsByteBuffer() == null || field.nameAsByteBuffer().remaining() > MAX_NAME
                ? null
                : field.name();
    }

    private void layOut(Field field, int depth) {
        if (++fields > MAX_FIELDS || depth > MAX_DEPTH) {
            throw Refusals.damaged("expected at most " + MAX_FIELDS + " fields and " + MAX_DEPTH + " levels, got more");
        }
        nodes++;
        if (field.dictionary() != null) {
            // The batch holds only indexes; the children belong to the dictionary.
            buffers += 2;
            return;
        }
        buffers += buffersOf(field);
        for (int i = 0; i < field.childrenLength(); i++) {
            layOut(field.children(i), depth + 1);
        }
    }

    private int buffersOf(Field field) {
        return switch (field.typeType()) {
            case Type.Null, Type.RunEndEncoded -> 0;
            case Type.Struct_, Type.FixedSizeList -> 1;
            case Type.Int,
                    Type.FloatingPoint,
                    Type.Bool,
                    Type.Decimal,
                    Type.Date,
                    Type.Time,
                    Type.Timestamp,
                    Type.Interval,
                    Type.Duration,
                    Type.FixedSizeBinary,
                    Type.List,
                    Type.LargeList,
                    Type.Map -> 2;
            case Type.Binary, Type.Utf8, Type.LargeBinary, Type.LargeUtf8, Type.ListView, Type.LargeListView -> 3;
            case Type.BinaryView, Type.Utf8View -> {
                views++;
                yield 2;
            }
            case Type.Union -> {
                short mode = ((Union) field.type(new Union())).mode();
                yield (mode == UnionMode.Dense ? 2 : 1) + (unionsHaveValidity ? 1 : 0);
            }
            default ->
                throw Refusals.refusal(
                        "a column has an Arrow type that this version does not support (" + field.typeType() + ")",
                        "write the table without the column");
        };
    }

    private Map<Column, TablePlan.Place> columns() {
        Map<Column, TablePlan.Place> columns = new EnumMap<>(Column.class);
        List<Column> missing = new ArrayList<>(absent(columns, Column.LAYER, Column.ROLE, Column.DATA));
        add(Column.SAMPLE, columns);
        if (!add(Column.SHAPE, columns)) {
            List<Column> noHeads = absent(columns, Column.HEADS, Column.HEAD_DIM);
            addInteger(Column.TOKENS, columns);
            addInteger(Column.POSITION, columns);
            missing.addAll(noHeads.size() == 2 ? List.of(Column.SHAPE) : noHeads);
        }
        TablePlan.Place data = columns.get(Column.DATA);
        boolean typed = data != null && data.type().element() == ColumnType.Element.FLOAT;
        if (!add(Column.DTYPE, columns) && !typed) {
            missing.add(Column.DTYPE);
        }
        if (!missing.isEmpty()) {
            throw Refusals.refusal(
                    "the table has no column "
                            + missing.stream().map(query::name).collect(Collectors.joining("', '", "'", "'"))
                            + "; it has " + DataProblem.shown(String.join(", ", names)),
                    SET_NAMES);
        }
        return columns;
    }

    /** Adds columns and returns those that the table does not have. */
    private List<Column> absent(Map<Column, TablePlan.Place> to, Column... columns) {
        return Arrays.stream(columns).filter(column -> !add(column, to)).toList();
    }

    /** Adds an optional integer column; a column with this name but another type is ignored. */
    private void addInteger(Column column, Map<Column, TablePlan.Place> to) {
        Found place = found.get(query.name(column));
        ColumnType type = place == null || place.field().dictionary() != null ? null : ColumnType.of(place.field());
        if (type != null && type.suits(column.holds())) {
            add(column, to);
        }
    }

    /** Adds a column; false if the table does not have it. */
    private boolean add(Column column, Map<Column, TablePlan.Place> to) {
        String name = query.name(column);
        Found place = found.get(name);
        if (place == null) {
            return false;
        }
        Field field = place.field();
        if (field.dictionary() != null) {
            throw Refusals.refusal(
                    "column '" + name + "' is dictionary-encoded",
                    "cast it to plain values before writing, in pyarrow: column.cast(column.type.value_type)");
        }
        ColumnType type = ColumnType.of(field);
        if (type == null || !type.suits(column.holds())) {
            throw Refusals.refusal(
                    "column '" + name + "' has type " + ColumnType.name(field) + ", expected "
                            + column.holds().types(),
                    "cast the column, or " + SET_NAMES);
        }
        to.put(column, new TablePlan.Place(name, type, place.node(), place.buffer(), place.viewsBefore()));
        return true;
    }
}
