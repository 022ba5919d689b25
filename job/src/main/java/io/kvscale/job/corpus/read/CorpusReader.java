package io.kvscale.job.corpus.read;

import io.kvscale.input.InputFile;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.corpus.plan.EncodedRow;
import io.kvscale.job.model.Encoders;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.tensor.InvalidDataException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;

/** Plans the tasks that turn the records of an input into {@link EncodedRow}s. */
public final class CorpusReader implements AutoCloseable {
    private final TextListing listing;
    private final JavaRDD<byte[]> rows;
    private final TableTexts table;
    private final boolean isTable;
    private final Broadcast<SerializableConfiguration> configuration;

    private CorpusReader(
            TextListing listing,
            JavaRDD<byte[]> rows,
            TableTexts table,
            boolean isTable,
            Broadcast<SerializableConfiguration> configuration) {
        this.listing = listing;
        this.rows = rows;
        this.table = table;
        this.isTable = isTable;
        this.configuration = configuration;
    }

    public static CorpusReader open(
            JavaSparkContext spark,
            TextInput input,
            TextSettings settings,
            Encoders encoders,
            int limit,
            int partitions,
            RetryPolicy retries) {
        TextListing listing = input.isSql()
                ? new TextListing(List.of(), 0, false)
                : TextListing.of(input.paths(), spark.hadoopConfiguration());
        boolean isTable = input.isSql() || listing.parquet();
        if (isTable && settings.samples() > 0 && !settings.shuffle()) {
            throw new InvalidOptionException(
                    "shuffle: false takes the first texts, and the rows of a table have no order",
                    "remove shuffle: false, or num_calibration_samples, or calibrate on .jsonl or .txt files");
        }
        Broadcast<SerializableConfiguration> configuration =
                spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration()));
        TableTexts table = new TableTexts(input, settings.options().fields());
        Tasks tasks = new Tasks(encoders, settings, limit);
        JavaRDD<byte[]> rows;
        if (isTable) {
            String name = input.shown();
            rows = table.rows(spark, listing.files(), partitions)
                    .mapPartitions(found -> tasks.run(task -> new TextRowEncoder(name, found, task)));
        } else {
            List<byte[]> pieces =
                    NumberedPieces.plan(spark, listing.files(), partitions, configuration, retries).stream()
                            .map(JavaSerde::bytes)
                            .toList();
            rows = spark.parallelize(pieces, pieces.size())
                    .flatMap(piece -> tasks.run(task -> {
                        FileRows files = new FileRows(
                                JavaSerde.value(piece, NumberedPieces.class),
                                configuration.value().value(),
                                retries,
                                task);
                        TaskContext.get().addTaskCompletionListener((TaskCompletionListener) ended -> files.close());
                        return files;
                    }));
        }
        return new CorpusReader(listing, rows, table, isTable, configuration);
    }

    /** What every task begins with. */
    private record Tasks(Encoders encoders, TextSettings settings, int limit) implements Serializable {
        /** The rows of a task; one that says why there are none, where the model's files do not serve here. */
        Iterator<byte[]> run(Function<RecordTask, Iterator<byte[]>> rows) {
            RecordTask task;
            try {
                task = new RecordTask(encoders, settings, limit);
            } catch (InvalidDataException e) {
                return List.of(new EncodedRow.Failed(e.problem()).toByteArray()).iterator();
            }
            TaskContext.get().addTaskCompletionListener((TaskCompletionListener) ended -> task.close());
            return rows.apply(task);
        }
    }

    public JavaRDD<byte[]> rows() {
        return rows;
    }

    /** Whether rows have no names. */
    public boolean isTable() {
        return isTable;
    }

    public List<InputFile> files() {
        return listing.files();
    }

    public long skipped() {
        return listing.skipped();
    }

    /** Runs what reads the input, and puts into words what Spark has against it. */
    public <T> T withContext(Supplier<T> reading) {
        return isTable ? table.withContext(reading) : reading.get();
    }

    @Override
    public void close() {
        configuration.destroy();
    }
}
