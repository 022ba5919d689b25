package io.kvscale.job.calibration;

import io.kvscale.capture.layout.TableColumns;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.jspecify.annotations.Nullable;

/** The columns of a table of K and V: checked on the driver, projected for the tasks. */
final class TableSchema {
    private final Dataset<?> table;
    private final TableColumns names;
    private final @Nullable StructField shape;
    private final StructField data;

    /** @throws InvalidDataException if a column is missing or has an unsupported type */
    TableSchema(Dataset<?> table, TableColumns names) {
        this.table = table;
        this.names = names;
        List<String> missing = new ArrayList<>();
        shape = found(names.shape());
        StructField values = found(names.data());
        addIfMissing(names.layer(), missing);
        addIfMissing(names.role(), missing);
        if (shape == null && (found(names.heads()) == null || found(names.headDim()) == null)) {
            missing.add("'" + DataProblem.shown(names.shape()) + "' (or '" + DataProblem.shown(names.heads())
                    + "' and '" + DataProblem.shown(names.headDim()) + "')");
        }
        check(
                names.data(),
                t -> t instanceof BinaryType || isListOf(t, e -> e instanceof FloatType),
                "binary or array<float>");
        if (values == null || !isFloats(values)) {
            addIfMissing(names.dtype(), missing);
        }
        addIfMissing(names.data(), missing);
        if (values == null || !missing.isEmpty()) {
            throw new InvalidDataException(DataProblem.of(
                    "the table has no column " + String.join(", ", missing) + "; it has "
                            + DataProblem.shown(String.join(", ", table.schema().fieldNames())),
                    "map column names with columns under kvscale in the recipe, for example columns: {data: values}"));
        }
        data = values;
        check(names.sample(), TableSchema::isText, "string");
        check(names.layer(), TableSchema::isWhole, "a whole number");
        check(names.role(), TableSchema::isText, "string");
        check(names.dtype(), TableSchema::isText, "string");
        if (shape != null) {
            check(names.shape(), t -> isListOf(t, TableSchema::isWhole), "an array of whole numbers");
        } else {
            check(names.heads(), TableSchema::isWhole, "a whole number");
            check(names.headDim(), TableSchema::isWhole, "a whole number");
        }
    }

    private void addIfMissing(String name, List<String> missing) {
        if (found(name) == null) {
            missing.add("'" + DataProblem.shown(name) + "'");
        }
    }

    private void check(String name, Predicate<DataType> accepted, String expected) {
        StructField field = found(name);
        if (field != null && !accepted.test(field.dataType())) {
            throw new InvalidDataException(DataProblem.of(
                    "column '" + DataProblem.shown(field.name()) + "' is "
                            + DataProblem.shown(field.dataType().simpleString()) + ", expected " + expected,
                    "cast it in a view, or map another column with columns under kvscale in the recipe"));
        }
    }

    private static boolean isText(DataType type) {
        return type instanceof StringType;
    }

    private static boolean isWhole(DataType type) {
        return type instanceof ByteType
                || type instanceof ShortType
                || type instanceof IntegerType
                || type instanceof LongType;
    }

    private static boolean isListOf(DataType type, Predicate<DataType> element) {
        return type instanceof ArrayType list && element.test(list.elementType());
    }

    private static boolean isFloats(StructField field) {
        return isListOf(field.dataType(), t -> t instanceof FloatType);
    }

    /** Finds a column as Spark does: case-insensitive, unless spark.sql.caseSensitive is set. */
    private @Nullable StructField found(String name) {
        boolean exact = table.sparkSession().sessionState().conf().caseSensitiveAnalysis();
        List<StructField> fields = Arrays.stream(table.schema().fields())
                .filter(f -> exact ? f.name().equals(name) : f.name().equalsIgnoreCase(name))
                .toList();
        if (fields.size() > 1) {
            throw new InvalidDataException(DataProblem.of(
                    "the table has " + fields.size() + " columns '" + DataProblem.shown(name) + "'",
                    "keep one of them, in a view"));
        }
        return fields.isEmpty() ? null : fields.get(0);
    }

    /** Whether the values are {@code array<float>}, else binary. */
    boolean floats() {
        return isFloats(data);
    }

    /** Names and types of the columns that are read. */
    List<String> described() {
        List<String> described = new ArrayList<>();
        for (String name : List.of(
                names.sample(),
                names.layer(),
                names.role(),
                names.shape(),
                names.heads(),
                names.headDim(),
                names.dtype(),
                names.data())) {
            StructField field = found(name);
            boolean unread = shape != null && (name.equals(names.heads()) || name.equals(names.headDim()));
            if (field != null && !unread) {
                described.add(
                        DataProblem.shown(field.name() + " " + field.dataType().simpleString()));
            }
        }
        return described;
    }

    /**
     * Selects the columns in the order of {@link KvRowDecoder}.
     *
     * @param values whether to select the values, else only their length
     * @param file the column with the file of a row; null for a catalog table
     */
    Dataset<?> projection(boolean values, @Nullable Column file) {
        Column bytes = column(data);
        Column length = floats()
                ? functions.size(bytes).cast(DataTypes.LongType).multiply(functions.lit(Float.BYTES))
                : functions.octet_length(bytes).cast(DataTypes.LongType);
        DataType shapeType = DataTypes.createArrayType(DataTypes.LongType);
        List<Column> columns = List.of(
                optional(found(names.sample()), DataTypes.StringType),
                optional(found(names.layer()), DataTypes.LongType),
                optional(found(names.role()), DataTypes.StringType),
                optional(shape, shapeType),
                optional(shape == null ? found(names.heads()) : null, DataTypes.LongType),
                optional(shape == null ? found(names.headDim()) : null, DataTypes.LongType),
                optional(found(names.dtype()), DataTypes.StringType),
                optional(wholeBesideHeads(TableColumns.POSITION), DataTypes.LongType),
                optional(wholeBesideHeads(TableColumns.TOKENS), DataTypes.LongType),
                file == null ? functions.lit("") : file,
                values ? bytes : functions.when(bytes.isNotNull(), length));
        return (Dataset<?>) table.select(columns.toArray(Column[]::new));
    }

    /** Position and tokens count only beside heads and head_dim; other columns may have the same names. */
    private @Nullable StructField wholeBesideHeads(String name) {
        StructField field = shape == null ? found(name) : null;
        return field != null && isWhole(field.dataType()) ? field : null;
    }

    private Column optional(@Nullable StructField field, DataType type) {
        return field == null ? functions.lit(null).cast(type) : column(field).cast(type);
    }

    private Column column(StructField field) {
        return table.col("`" + field.name().replace("`", "``") + "`");
    }
}
