package io.kvscale.job.calibration;

import io.kvscale.capture.CaptureReader.Depth;
import io.kvscale.capture.layout.CaptureOptions;
import io.kvscale.job.recipe.Recipe;
import io.kvscale.job.spark.ParquetTable;
import io.kvscale.job.spark.TableSession;
import io.kvscale.job.spark.Work;
import io.kvscale.observer.Corpus;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.option.KeyScope.Input;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.task.RowTask;
import io.kvscale.task.SampleSurvey;
import io.kvscale.task.TaskState;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.Slot;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.util.LongAccumulator;
import org.jspecify.annotations.Nullable;

/** A pass over the rows of a table, in the partitions that Spark plans. See {@link TableSession} for the read options. */
final class TablePass implements Pass {
    private final TableInput input;
    private final Recipe recipe;
    private final TableSchema schema;
    private final Dataset<?> table;
    private final int files;
    private final int maxPartitions;
    private @Nullable JavaRDD<InternalRow> rows;
    private Depth planned = Depth.VALUES;

    private TablePass(TableInput input, Recipe recipe, Dataset<?> table, int files, int maxPartitions) {
        this.input = input;
        this.recipe = recipe;
        this.table = table;
        this.files = files;
        this.maxPartitions = maxPartitions;
        this.schema = new TableSchema(table, recipe.capture().columns());
    }

    /**
     * Looks the table up and checks its columns.
     *
     * @param maxPartitions maximum number of partitions; 0: as Spark plans them
     * @throws InvalidDataException if there is no such table, or its columns are not K and V
     */
    static TablePass plan(JavaSparkContext spark, Recipe recipe, TableInput input, int maxPartitions) {
        SparkSession session = input.withContext(() -> TableSession.of(spark));
        Dataset<?> table = input.withContext(
                () -> input.isParquet() ? ParquetTable.of(session, input.parquet()) : session.table(input.name()));
        return new TablePass(input, recipe, table, input.isParquet() ? files(input, table) : 0, maxPartitions);
    }

    /** The number of Parquet files that Spark reads; checks it against the listing. */
    private static int files(TableInput input, Dataset<?> table) {
        String[] paths = input.withContext(() -> TableSession.files(table));
        int distinct = (int) Arrays.stream(paths).distinct().count();
        if (distinct < paths.length) {
            throw new InvalidDataException(DataProblem.of(
                    "a Parquet file is given twice, and Spark would read it twice", "give every file or folder once"));
        }
        if (input.listedFiles() > 0 && distinct != input.listedFiles()) {
            throw new InvalidDataException(DataProblem.of(
                    "Spark reads " + distinct + " of " + input.listedFiles() + " Parquet files in " + input.shown(),
                    "give the folders that hold the files one by one, or set --input-format parquet if this is"
                            + " intended: Spark reads only subfolders named column=value"));
        }
        return distinct;
    }

    @Override
    public Recipe recipe() {
        return recipe;
    }

    @Override
    public String description() {
        return input.shown();
    }

    @Override
    public Work work() {
        return new Work.Bytes(-1);
    }

    @Override
    public List<String> notices() {
        return unused("tables", Input.TABLES);
    }

    @Override
    public int partitions() {
        return rows(planned).getNumPartitions();
    }

    @Override
    public Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("table", input.isParquet() ? files + " Parquet files" : DataProblem.shown(input.name()));
        facts.put("columns", String.join(", ", schema.described()));
        facts.put("partitions", String.valueOf(partitions()));
        return facts;
    }

    /** Tables have no masks. */
    @Override
    public String maskRemedy() {
        return "";
    }

    /** Catalog tables report no file count. */
    @Override
    public Corpus corpus() {
        return new Corpus(BigInteger.ZERO, files);
    }

    @Override
    public JavaPairRDD<Integer, byte[]> states(
            Depth depth, StatisticsKind kind, LongAccumulator observed, LongAccumulator samples) {
        CaptureOptions options = recipe.capture();
        SlotSchemes schemes = recipe.schemes();
        KvRowDecoder decoder = decoder(depth == Depth.VALUES);
        return rows(depth).mapPartitionsToPair(partition -> {
            RowTask task = new RowTask(schemes, kind, options, observed::add);
            partition.forEachRemaining(row -> decoder.give(row, task));
            return CalibrationJob.rows(task.state());
        });
    }

    private KvRowDecoder decoder(boolean values) {
        return new KvRowDecoder(input.isParquet() ? "" : DataProblem.TABLE + input.name(), schema.floats(), values);
    }

    @Override
    public JavaPairRDD<String, byte[]> survey(TreeSet<Slot> scanned, LongAccumulator looked) {
        CaptureOptions options = recipe.capture();
        KvRowDecoder decoder = decoder(!scanned.isEmpty());
        return rows(!scanned.isEmpty() ? Depth.VALUES : Depth.HEADERS).mapPartitionsToPair(partition -> {
            SampleSurvey survey = new SampleSurvey(options, scanned);
            partition.forEachRemaining(row -> {
                decoder.give(row, survey);
                looked.add(1);
            });
            return Pass.rows(survey.samples());
        });
    }

    @Override
    public TaskState withContext(Supplier<TaskState> run) {
        TaskState state = input.withContext(run);
        if (state.problem() == null && state.statistics().slots().isEmpty()) {
            throw new InvalidDataException(DataProblem.of(
                    input.shown() + " has no row of a layer to calibrate",
                    "check that the table is not empty, and check targets and ignore in the recipe"));
        }
        return state;
    }

    /** The rows, planned once, in the partitions in which Spark reads them; nothing is shuffled. */
    private JavaRDD<InternalRow> rows(Depth depth) {
        JavaRDD<InternalRow> present = rows;
        if (present == null || planned != depth) {
            present = input.withContext(() -> {
                @Nullable
                Column file =
                        input.isParquet() ? table.metadataColumn("_metadata").getField("file_name") : null;
                JavaRDD<InternalRow> all = schema.projection(depth == Depth.VALUES, file)
                        .queryExecution()
                        .toRdd()
                        .toJavaRDD();
                return maxPartitions > 0 ? all.coalesce(maxPartitions) : all;
            });
            rows = present;
            planned = depth;
        }
        return present;
    }
}
