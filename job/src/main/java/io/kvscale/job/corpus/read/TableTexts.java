package io.kvscale.job.corpus.read;

import io.kvscale.input.InputFile;
import io.kvscale.job.spark.SparkErrors;
import io.kvscale.job.spark.TableSession;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.TextFields;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
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

/** The rows of a table, each as the JSON object that it would be in a file of lines. */
final class TableTexts {
    private static final Map<String, String> WITH_NULLS = Map.of("ignoreNullFields", "false");

    private final TextInput input;
    private final TextFields fields;

    TableTexts(TextInput input, TextFields fields) {
        this.input = input;
        this.fields = fields;
    }

    /**
     * JSON, only of the columns that a record may be in; nothing runs yet.
     *
     * @param parquet the table's files, if it is in files
     * @param most partitions; 0: as Spark plans them
     * @throws InvalidDataException if there is no such table, or it has no text
     */
    JavaRDD<TextTableRow> rows(JavaSparkContext spark, List<InputFile> parquet, int most) {
        return withContext(() -> {
            SparkSession session = TableSession.of(spark);
            Dataset<?> table;
            if (!input.isSql()) {
                table = session.read()
                        .parquet(parquet.stream()
                                .map(file -> literal(file.path()))
                                .toArray(String[]::new));
            } else if (input.query().isEmpty()) {
                table = session.table(input.table());
            } else {
                table = session.sql(input.query());
            }
            Column columns = functions.struct(columns(table).toArray(Column[]::new));
            Dataset<?> json = table.select(functions.to_json(columns, WITH_NULLS), columns);
            StructType type = (StructType) json.schema().fields()[1].dataType();
            JavaRDD<TextTableRow> rows =
                    json.queryExecution().toRdd().toJavaRDD().map(row -> TextTableRow.of(row, type));
            return most > 0 ? rows.coalesce(most) : rows;
        });
    }

    /** Runs what reads the table, and puts into words what Spark has against it. */
    <T> T withContext(Supplier<T> reading) {
        return SparkErrors.withContext(
                input.shown(),
                input.isSql()
                        ? "check --table or --query, and the catalogs that Spark is told of (--conf)"
                        : "check --text: Parquet files of one schema, that nothing writes to",
                reading);
    }

    /** The path as a glob that finds only it. */
    private static String literal(String path) {
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
        for (String name :
                new LinkedHashSet<>(List.of(fields.messages(), fields.text(), fields.prompt(), fields.completion()))) {
            StructField field = found(table, name);
            if (field != null) {
                check(field);
                columns.add(
                        table.col("`" + field.name().replace("`", "``") + "`").as(name));
                any |= !name.equals(fields.completion());
            } else {
                missing.add("'" + DataProblem.shown(name) + "'");
            }
        }
        if (!any) {
            throw new InvalidDataException(DataProblem.of(
                    input.shown() + " has no column " + String.join(", ", missing) + "; it has "
                            + DataProblem.shown(String.join(", ", table.schema().fieldNames())),
                    "map the names with fields under kvscale in the recipe, as fields: {text: body}"));
        }
        return columns;
    }

    /** Of bytes, and of anything but text, JSON would hold a text that nobody wrote. */
    private static void check(StructField field) {
        if (!(field.dataType() instanceof StringType || field.dataType() instanceof ArrayType)) {
            throw new InvalidDataException(DataProblem.of(
                    "column '" + DataProblem.shown(field.name()) + "' is "
                            + DataProblem.shown(field.dataType().simpleString())
                            + ", expected string, or a list of messages",
                    "cast it in a view or query, or name another column with fields under kvscale in the recipe"));
        }
    }

    /** The column of that name, as Spark would find it: in any case, unless spark.sql.caseSensitive. */
    private @Nullable StructField found(Dataset<?> table, String name) {
        boolean exact = table.sparkSession().sessionState().conf().caseSensitiveAnalysis();
        List<StructField> found = Arrays.stream(table.schema().fields())
                .filter(f -> exact ? f.name().equals(name) : f.name().equalsIgnoreCase(name))
                .toList();
        if (found.size() > 1) {
            throw new InvalidDataException(DataProblem.of(
                    input.shown() + " has " + found.size() + " columns '" + DataProblem.shown(name) + "'",
                    "leave one of them in a view or query"));
        }
        return found.isEmpty() ? null : found.get(0);
    }
}
