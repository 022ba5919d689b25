package io.kvscale.job.corpus.read;

import io.kvscale.input.InputFile;
import io.kvscale.job.spark.ParquetTable;
import io.kvscale.job.spark.TableErrors;
import io.kvscale.job.spark.TableSession;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.TextFields;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** Reads the rows of a table as records, each as the JSON object that a line of a file would hold. */
final class TextTableReader {
    /** An absent field would be ambiguous in chat messages: {@link io.kvscale.text.TextRecord#ofRow} needs the nulls. */
    private static final Map<String, String> WITH_NULLS = Map.of("ignoreNullFields", "false");

    private final TextInput input;
    private final TextFields fields;

    TextTableReader(TextInput input, TextFields fields) {
        this.input = input;
        this.fields = fields;
    }

    /**
     * Plans the read of the columns that can hold a record. Starts no Spark job.
     *
     * @param parquet the table's files if the input is files
     * @param maxPartitions 0: as Spark plans them
     * @throws InvalidDataException if the table does not exist or has no column of text
     */
    JavaRDD<RawRecord> records(JavaSparkContext spark, List<InputFile> parquet, int maxPartitions) {
        return withContext(() -> {
            SparkSession session = TableSession.of(spark);
            Dataset<?> table;
            if (!input.isSql()) {
                table = ParquetTable.of(
                        session,
                        parquet.stream().map(file -> escaped(file.path())).toList());
            } else if (input.query().isEmpty()) {
                table = session.table(input.table());
            } else {
                table = session.sql(input.query());
            }
            Column columns = functions.struct(columns(table).toArray(Column[]::new));
            Dataset<?> json = table.select(functions.to_json(columns, WITH_NULLS), columns);
            StructType type = (StructType) json.schema().fields()[1].dataType();
            String name = input.shown();
            JavaRDD<RawRecord> records =
                    json.queryExecution().toRdd().toJavaRDD().map(row -> TextTableRow.record(name, row, type));
            return maxPartitions > 0 ? records.coalesce(maxPartitions) : records;
        });
    }

    /** Runs an action that reads the table. Turns Spark's errors about the table into {@link InvalidDataException}. */
    <T> T withContext(Supplier<T> reading) {
        return TableErrors.withContext(
                input.shown(),
                input.isSql()
                        ? "check --table or --query, and the catalog settings of Spark (--conf)"
                        : "check --text: the Parquet files must have one schema and must not change during the run",
                reading);
    }

    /** Escapes a path, because Spark reads paths as globs. */
    private static String escaped(String path) {
        StringBuilder glob = new StringBuilder();
        for (char c : path.toCharArray()) {
            glob.append("{}[]*?\\".indexOf(c) >= 0 ? "\\" : "").append(c);
        }
        return glob.toString();
    }

    private List<Column> columns(Dataset<?> table) {
        List<Column> columns = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        boolean any = false;
        Set<String> texts =
                new LinkedHashSet<>(List.of(fields.messages(), fields.text(), fields.prompt(), fields.completion()));
        for (String name : texts) {
            StructField field = column(table, name);
            if (field != null) {
                checkType(field);
                columns.add(quoted(table, field).as(name));
                any |= !name.equals(fields.completion());
            } else {
                missing.add("'" + DataProblem.shown(name) + "'");
            }
        }
        for (String name : new LinkedHashSet<>(List.of(fields.sampleBy(), fields.statisticsBy()))) {
            if (!name.isEmpty() && !texts.contains(name)) {
                columns.add(stratum(table, name));
            }
        }
        if (!any) {
            throw new InvalidDataException(DataProblem.of(
                    input.shown() + " has no column " + String.join(", ", missing) + "; it has "
                            + DataProblem.shown(String.join(", ", table.schema().fieldNames())),
                    "set fields under kvscale in the recipe, for example fields: {text: body}"));
        }
        return columns;
    }

    /** The column of strata of that name. */
    private Column stratum(Dataset<?> table, String name) {
        StructField field = column(table, name);
        if (field == null || !(field.dataType() instanceof StringType)) {
            throw new InvalidDataException(DataProblem.of(
                    field == null
                            ? input.shown() + " has no column '" + DataProblem.shown(name) + "', which sample_by or"
                                    + " statistics_by names; it has "
                                    + DataProblem.shown(
                                            String.join(", ", table.schema().fieldNames()))
                            : "column '" + DataProblem.shown(name) + "', which sample_by or statistics_by names, is "
                                    + DataProblem.shown(field.dataType().simpleString()) + ", expected string",
                    "name a column of text, or cast it in a view or query"));
        }
        return quoted(table, field).as(name);
    }

    private static Column quoted(Dataset<?> table, StructField field) {
        return table.col("`" + field.name().replace("`", "``") + "`");
    }

    /** Refuses other types: {@code to_json} would turn them into strings that are not in the table. */
    private static void checkType(StructField field) {
        if (!(field.dataType() instanceof StringType || field.dataType() instanceof ArrayType)) {
            throw new InvalidDataException(DataProblem.of(
                    "column '" + DataProblem.shown(field.name()) + "' is "
                            + DataProblem.shown(field.dataType().simpleString())
                            + ", expected string, or a list of messages",
                    "cast it in a view or query, or set fields under kvscale in the recipe to another column"));
        }
    }

    /** The column of that name; null if there is none. Ignores case unless spark.sql.caseSensitive is set. */
    private @Nullable StructField column(Dataset<?> table, String name) {
        boolean exact = table.sparkSession().sessionState().conf().caseSensitiveAnalysis();
        List<StructField> found = Arrays.stream(table.schema().fields())
                .filter(f -> exact ? f.name().equals(name) : f.name().equalsIgnoreCase(name))
                .toList();
        if (found.size() > 1) {
            throw new InvalidDataException(DataProblem.of(
                    input.shown() + " has " + found.size() + " columns '" + DataProblem.shown(name) + "'",
                    "read the table through a view or query with only one of them"));
        }
        return found.isEmpty() ? null : found.get(0);
    }
}
