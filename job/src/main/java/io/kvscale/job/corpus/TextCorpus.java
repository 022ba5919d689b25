package io.kvscale.job.corpus;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.corpus.plan.BatchPlan;
import io.kvscale.job.corpus.plan.BatchShuffle;
import io.kvscale.job.corpus.plan.EncodedRow;
import io.kvscale.job.corpus.plan.RowTally;
import io.kvscale.job.corpus.plan.TextSample;
import io.kvscale.job.corpus.read.CorpusReader;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.corpus.read.TextModel;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.job.spark.Work;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The calibration texts as token ids in batches. The choice of texts, sequences and batches depends only on the content of
 * the texts and on the recipe, not on partitions or the order of files.
 *
 * <p>Tasks read, render and tokenize. The driver holds the name, hash and length of every text.
 *
 * @param rows {@link EncodedRow}s as bytes, persisted until {@link #close}
 * @param notices for the user
 */
public record TextCorpus(
        JavaSparkContext spark, JavaRDD<byte[]> rows, RowTally tally, BatchPlan plan, List<String> notices)
        implements AutoCloseable {
    /** The driver needs about 200 bytes per sample. */
    private static final long MAX_SAMPLES = 10_000_000;

    /** Minimum tokens per task: a few seconds of work for a small model, much more than the start of a task costs. */
    private static final long TASK_TOKENS = 1 << 16;

    /**
     * Reads and tokenizes the texts and plans the batches. The token ids stay on the executors until {@link #close}.
     *
     * @param configuration of the file systems
     * @param model whose tokenizer and chat template are used
     * @param partitions target number of tasks for reading; 0: one per core, more if a task would read more than 64 MB
     * @param attempts how often Spark runs a task before it fails the job
     * @param progress shows the number of texts read
     * @throws InvalidDataException for an input that is missing or empty, for more bad records than the recipe allows, or
     *     for a tokenizer that is missing or does not fit the model
     * @throws InvalidOptionException for settings that do not fit the input or the model
     */
    static TextCorpus read(
            JavaSparkContext spark,
            Broadcast<SerializableConfiguration> configuration,
            TextInput input,
            TextSettings settings,
            TextModel model,
            int partitions,
            int attempts,
            Progress progress) {
        int limit = limit(settings, model.maxPositions());
        CorpusReader reader = CorpusReader.open(
                spark, configuration, input, settings, model, limit, partitions, new RetryPolicy(attempts));
        JavaRDD<byte[]> rows = reader.rows().persist(StorageLevel.MEMORY_AND_DISK_SER());
        boolean opened = false;
        try {
            RowTally tally = reader.withContext(() -> progress.track(
                    spark, "reads " + input.shown(), new Work.Texts(), (unused, texts) -> tally(rows, texts)));
            check(tally, input, settings);
            StratumRules strata = new StratumRules(settings, tally, input.shown());
            strata.check();
            List<TextSample> samples = reader.withContext(() -> samples(rows));
            if (samples.size() != tally.good()) {
                throw new InvalidDataException(DataProblem.of(
                        input.shown() + " changed while it was read: first " + tally.good() + " texts, then "
                                + samples.size(),
                        "make sure that nothing writes to it, and that a query returns the same rows every time"));
            }
            BatchPlan plan = BatchPlan.of(reader.isTable() ? TextSample.withNames(samples) : samples, settings, limit);
            List<String> notices = notices(reader.skipped(), tally, plan, settings, limit);
            notices.addAll(strata.notices());
            TextCorpus corpus = new TextCorpus(spark, rows, tally, plan, notices);
            opened = true;
            return corpus;
        } finally {
            if (!opened) { // Spark throws checked exceptions without declaring them
                rows.unpersist();
            }
        }
    }

    private static int limit(TextSettings settings, int maxPositions) {
        if (maxPositions > 0 && settings.maxSeqLength() > maxPositions) {
            throw new InvalidOptionException(
                    "max_seq_length is " + settings.maxSeqLength() + ", but the model takes " + maxPositions
                            + " tokens",
                    "set max_seq_length to " + maxPositions + " or less");
        }
        return settings.maxSeqLength() > 0 ? settings.maxSeqLength() : maxPositions;
    }

    private static void check(RowTally tally, TextInput input, TextSettings settings) {
        if (tally.failure() != null) {
            throw new InvalidDataException(tally.failure());
        }
        EncodedRow.Bad first = tally.first();
        if (first != null && tally.bad() > settings.maxBadRecords()) {
            throw new InvalidDataException(first.problem());
        }
        if (tally.good() == 0) {
            throw new InvalidDataException(DataProblem.of(
                    "there is no text in " + input.shown() + (first == null ? "" : ", only bad records"),
                    "point --text, --table or --query at texts"));
        }
        if (tally.good() > MAX_SAMPLES) {
            throw new InvalidDataException(DataProblem.of(
                    "there are " + tally.good() + " texts in " + input.shown() + ", more than " + MAX_SAMPLES,
                    "calibrate on a part of them: a few hundred texts are enough for scales"));
        }
    }

    private static List<String> notices(
            long skipped, RowTally tally, BatchPlan plan, TextSettings settings, int limit) {
        List<String> notices = new ArrayList<>();
        if (skipped > 0) {
            notices.add(counted(
                    skipped,
                    "file is not .txt, .jsonl or .parquet and was skipped",
                    "files are not .txt, .jsonl or .parquet and were skipped"));
        }
        EncodedRow.Bad first = tally.first();
        if (first != null) {
            String problem = first.problem()
                    .message()
                    .lines()
                    .limit(2)
                    .map(String::strip)
                    .collect(Collectors.joining(" "));
            notices.add(tally.bad() + " of " + (tally.good() + tally.bad())
                    + (tally.bad() == 1
                            ? " records is bad and was skipped: "
                            : " records are bad and were skipped; the first: ")
                    + problem);
        }
        int found = settings.concatenate() ? plan.sequences() : plan.samples();
        if (settings.samples() > found) {
            notices.add("num_calibration_samples is " + settings.samples() + ", but there "
                    + (found == 1 ? "is only " : "are only ")
                    + (settings.concatenate()
                            ? counted(found, "concatenated sequence", "concatenated sequences")
                            : counted(found, "text", "texts")));
        }
        if (plan.cut() > 0) {
            notices.add(counted(plan.cut(), "text is", "texts are") + " longer than " + limit
                    + " tokens and truncated (long_texts: windows uses the whole text)");
        }
        return notices;
    }

    private static String counted(long count, String one, String more) {
        return count + " " + (count == 1 ? one : more);
    }

    private static RowTally tally(JavaRDD<byte[]> rows, LongAccumulator texts) {
        JavaRDD<byte[]> counted = rows.map(row -> {
            texts.add(1);
            return row;
        });
        return counted
                .mapPartitions(all -> List.of(JavaSerde.bytes(RowTally.of(all))).iterator())
                .collect()
                .stream()
                .map(bytes -> JavaSerde.value(bytes, RowTally.class))
                .reduce(RowTally.NONE, RowTally::merge);
    }

    private static List<TextSample> samples(JavaRDD<byte[]> rows) {
        return rows.mapPartitions(all -> List.of(EncodedRow.samplesToBytes(all)).iterator()).collect().stream()
                .flatMap(bytes -> EncodedRow.samplesFromBytes(bytes).stream())
                .toList();
    }

    /** These texts with a plan for some of them. */
    TextCorpus with(BatchPlan part) {
        return new TextCorpus(spark, rows, tally, part, notices);
    }

    public TextCorpusSummary summary() {
        return new TextCorpusSummary(
                tally.good() + tally.bad(),
                tally.bad(),
                plan.samples(),
                plan.cut(),
                plan.sequences(),
                plan.batches().size(),
                plan.tokens(),
                plan.longest(),
                plan.sampled(),
                plan.observed());
    }

    /**
     * The batches, each a {@link io.kvscale.text.TokenBatch} by {@link JavaSerde}. Partitions have about equal numbers of
     * tokens.
     *
     * @param partitions maximum number of partitions; 0: one per core, more if a task would take many minutes
     */
    public JavaRDD<byte[]> batches(int partitions) {
        int count =
                Math.min(partitions > 0 ? partitions : tasks(), plan.batches().size());
        return BatchShuffle.batches(spark, rows, plan, count);
    }

    /** One task per core, more if a task would take many minutes. */
    public int tasks() {
        return (int) Math.max(
                spark.defaultParallelism(),
                Math.min(Integer.MAX_VALUE, summary().tokens() / TASK_TOKENS));
    }

    /**
     * Some of the batches, as {@link #batches(int)}.
     *
     * @param some batches of the plan
     * @param taskOfBatch the partition of each of them, in which they have the same order
     */
    public JavaRDD<byte[]> batches(BatchPlan some, int partitions, int[] taskOfBatch) {
        return BatchShuffle.batches(spark, rows, some, partitions, taskOfBatch);
    }

    /** Drops the token ids from the executors. */
    @Override
    public void close() {
        rows.unpersist();
    }
}
