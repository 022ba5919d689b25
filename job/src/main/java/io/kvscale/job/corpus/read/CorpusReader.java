package io.kvscale.job.corpus.read;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.corpus.plan.EncodedRow;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.tensor.InvalidDataException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.Spliterators;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;

/**
 * Plans the tasks that turn the records of an input into {@link EncodedRow}s.
 *
 * @param rows one {@link EncodedRow} per record, as bytes
 * @param skipped number of files skipped because they are not texts
 * @param table the table that holds the records; null for files
 */
public record CorpusReader(
        JavaRDD<byte[]> rows, long skipped, @Nullable TextTableReader table) {
    /**
     * Lists the files or resolves the table. Reads no records yet, but a Spark job may count lines, see {@link TextSplit}.
     *
     * @param configuration of the file systems
     * @param limit maximum number of tokens in a sequence; 0: no limit
     * @param partitions target number of tasks; 0: chosen by size
     * @throws InvalidDataException for an input that does not exist, is empty or cannot be read
     * @throws InvalidOptionException for settings that do not fit the input
     */
    public static CorpusReader open(
            JavaSparkContext spark,
            Broadcast<SerializableConfiguration> configuration,
            TextInput input,
            TextSettings settings,
            TextModel model,
            int limit,
            int partitions,
            RetryPolicy retries) {
        TextListing listing = input.isSql()
                ? new TextListing(List.of(), 0, false)
                : TextListing.of(input.paths(), spark.hadoopConfiguration());
        Tasks tasks = new Tasks(model, settings, limit);
        if (input.isSql() || listing.parquet()) {
            if (settings.samples() > 0 && !settings.shuffle()) {
                throw new InvalidOptionException(
                        "shuffle: false takes the first texts, but the rows of a table have no order",
                        "remove shuffle: false or num_calibration_samples, or calibrate on .jsonl or .txt files");
            }
            TextTableReader table =
                    new TextTableReader(input, settings.options().fields());
            JavaRDD<byte[]> rows = table.records(spark, listing.files(), partitions)
                    .mapPartitions(records -> tasks.run(
                            encoder -> StreamSupport.stream(Spliterators.spliteratorUnknownSize(records, 0), false)
                                    .map(record -> encoder.encode(record).toByteArray())
                                    .iterator()));
            return new CorpusReader(rows, listing.skipped(), table);
        }
        List<byte[]> splits = TextSplit.plan(spark, listing.files(), partitions, configuration, retries).stream()
                .map(JavaSerde::bytes)
                .toList();
        JavaRDD<byte[]> rows = spark.parallelize(splits, splits.size())
                .flatMap(split -> tasks.run(encoder -> {
                    TextSplitReader reader = new TextSplitReader(
                            JavaSerde.value(split, TextSplit.class),
                            configuration.value().value(),
                            retries,
                            encoder);
                    TaskContext.get().addTaskCompletionListener((TaskCompletionListener) ended -> reader.close());
                    return reader;
                }));
        return new CorpusReader(rows, listing.skipped(), null);
    }

    /** Opens the encoder of a task. */
    private record Tasks(TextModel model, TextSettings settings, int limit) implements Serializable {
        /** The rows of a task; a single {@link EncodedRow.Failed} if the tokenizer cannot be opened on this executor. */
        Iterator<byte[]> run(Function<RecordEncoder, Iterator<byte[]>> rows) {
            RecordEncoder encoder;
            try {
                encoder = new RecordEncoder(model, settings, limit);
            } catch (InvalidDataException e) {
                return List.of(new EncodedRow.Failed(e.problem()).toByteArray()).iterator();
            }
            TaskContext.get().addTaskCompletionListener((TaskCompletionListener) ended -> encoder.close());
            return rows.apply(encoder);
        }
    }

    /** Whether the rows come from a table and have no names. */
    public boolean isTable() {
        return table != null;
    }

    /** Runs an action that reads the input. Turns Spark's errors about a table into {@link InvalidDataException}. */
    public <T> T withContext(Supplier<T> reading) {
        return table == null ? reading.get() : table.withContext(reading);
    }
}
