package io.kvscale.job.corpus;

import io.kvscale.input.InputFile;
import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.corpus.plan.BatchPlan;
import io.kvscale.job.corpus.plan.BatchRows;
import io.kvscale.job.corpus.plan.EncodedRow;
import io.kvscale.job.corpus.plan.RowTally;
import io.kvscale.job.corpus.plan.TextSample;
import io.kvscale.job.corpus.read.CorpusReader;
import io.kvscale.job.corpus.read.TextInput;
import io.kvscale.job.model.Encoders;
import io.kvscale.job.model.ModelLocation;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.Progress;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.job.spark.Work;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.LongAccumulator;

/**
 * The texts that are calibrated on, as token ids in batches. Which texts, sequences and batches there are follows from
 * what the texts say and from the recipe, never from partitions or the order of files.
 *
 * <p>Tasks read, render and tokenize; the driver holds name, hash and length of every text.
 */
public final class TextCorpus implements AutoCloseable {
    /** What the driver holds of one is about 200 bytes. */
    private static final long MAX_SAMPLES = 10_000_000;

    /** About what a task should have at least, for its start to be worth it: a few seconds of a small model. */
    private static final long TASK_TOKENS = 1 << 16;

    private final JavaSparkContext spark;
    private final CorpusReader reader;
    private final JavaRDD<byte[]> rows;
    private final List<String> notices = new ArrayList<>();
    private final RowTally tally;
    private final BatchPlan plan;

    /**
     * Reads and tokenizes a corpus, and plans; the texts' ids stay on the executors until {@link #close}.
     *
     * @param model whose tokenizer and chat template are used
     * @param vocabulary rows of the model's embedding
     * @param positions the most tokens that the model takes; 0: not known
     * @param partitions how many tasks to aim at when reading; 0: enough for every core, of at most 64 MB each
     * @param attempts how often Spark runs a task before it gives up
     * @param progress shows how many texts are read
     * @throws InvalidDataException for an input that is absent or empty, more bad records than allowed, or a tokenizer
     *     that is missing or does not fit
     * @throws InvalidOptionException for settings that do not fit the input or the model
     */
    public static TextCorpus read(
            JavaSparkContext spark,
            TextInput input,
            TextSettings settings,
            ModelLocation model,
            int vocabulary,
            int positions,
            int partitions,
            int attempts,
            Progress progress) {
        Encoders encoders = Encoders.of(model, settings, vocabulary);
        return read(spark, input, settings, encoders, positions, partitions, attempts, progress);
    }

    public static TextCorpus read(
            JavaSparkContext spark,
            TextInput input,
            TextSettings settings,
            Encoders encoders,
            int positions,
            int partitions,
            int attempts,
            Progress progress) {
        int limit = limit(settings, positions);
        CorpusReader reader =
                CorpusReader.open(spark, input, settings, encoders, limit, partitions, new RetryPolicy(attempts));
        JavaRDD<byte[]> rows = reader.rows().persist(StorageLevel.MEMORY_AND_DISK_SER());
        boolean opened = false;
        try {
            TextCorpus corpus = new TextCorpus(spark, input, settings, limit, reader, rows, progress);
            opened = true;
            return corpus;
        } finally {
            if (!opened) { // Spark throws checked exceptions without declaring them
                rows.unpersist();
                reader.close();
            }
        }
    }

    private TextCorpus(
            JavaSparkContext spark,
            TextInput input,
            TextSettings settings,
            int limit,
            CorpusReader reader,
            JavaRDD<byte[]> rows,
            Progress progress) {
        this.spark = spark;
        this.reader = reader;
        this.rows = rows;
        if (reader.skipped() > 0) {
            notices.add(counted(
                    reader.skipped(),
                    "file is not .txt, .jsonl or .parquet and was skipped",
                    "files are not .txt, .jsonl or .parquet and were skipped"));
        }
        this.tally = reader.withContext(() ->
                progress.track(spark, "reads " + input.shown(), new Work.Texts(), (none, texts) -> tally(rows, texts)));
        check(input, settings);
        List<TextSample> samples = reader.withContext(() -> samples(rows));
        if (samples.size() != tally.good()) {
            throw new InvalidDataException(DataProblem.of(
                    "there were " + tally.good() + " texts in " + input.shown() + ", and " + samples.size()
                            + " when they were read again",
                    "see that nothing writes to them meanwhile, and that a query gives the same rows each time"));
        }
        this.plan = BatchPlan.of(reader.isTable() ? TextSample.named(samples) : samples, settings, limit);
        int found = settings.concatenate() ? plan.sequences() : plan.samples();
        if (settings.samples() > found) {
            notices.add("num_calibration_samples is " + settings.samples() + ", but there "
                    + (found == 1 ? "is only " : "are only ")
                    + (settings.concatenate()
                            ? counted(found, "sequence of joined texts", "sequences of joined texts")
                            : counted(found, "text", "texts")));
        }
        if (plan.cut() > 0) {
            notices.add(counted(plan.cut(), "text is", "texts are") + " longer than " + limit
                    + " tokens: the rest is left out (long_texts: windows takes all of a text)");
        }
    }

    private static String counted(long count, String one, String more) {
        return count + " " + (count == 1 ? one : more);
    }

    private static int limit(TextSettings settings, int positions) {
        if (positions > 0 && settings.maxSeqLength() > positions) {
            throw new InvalidOptionException(
                    "max_seq_length is " + settings.maxSeqLength() + ", but the model takes " + positions + " tokens",
                    "say max_seq_length: " + positions + ", or less");
        }
        return settings.maxSeqLength() > 0 ? settings.maxSeqLength() : positions;
    }

    private void check(TextInput input, TextSettings settings) {
        if (tally.failure() != null) {
            throw new InvalidDataException(tally.failure());
        }
        RowTally.First first = tally.first();
        if (first != null && tally.bad() > settings.maxBadRecords()) {
            throw new InvalidDataException(first.problem());
        }
        if (tally.good() == 0) {
            throw new InvalidDataException(DataProblem.of(
                    "there is no text in " + input.shown() + (first == null ? "" : " but bad records"),
                    "point --text, --table or --query at texts"));
        }
        if (tally.good() > MAX_SAMPLES) {
            throw new InvalidDataException(DataProblem.of(
                    "there are " + tally.good() + " texts in " + input.shown() + ", more than " + MAX_SAMPLES,
                    "calibrate on a part of them: a few hundred texts are enough for scales"));
        }
        if (first != null) {
            notices.add(tally.bad() + " of " + (tally.good() + tally.bad())
                    + (tally.bad() == 1
                            ? " records is bad and was left out: "
                            : " records are bad and were left out, the first: ")
                    + first.problem()
                            .message()
                            .lines()
                            .limit(2)
                            .map(String::strip)
                            .collect(Collectors.joining(" ")));
        }
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
        List<TextSample> samples = new ArrayList<>();
        for (byte[] partition : rows.mapPartitions(TextCorpus::index).collect()) {
            try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(partition))) {
                while (in.available() > 0) {
                    samples.add(EncodedRow.sample(in));
                }
            } catch (IOException e) {
                throw new IllegalStateException("an index of texts ends too soon", e);
            }
        }
        return samples;
    }

    private static Iterator<byte[]> index(Iterator<byte[]> rows) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        while (rows.hasNext()) {
            TextSample sample = EncodedRow.sampleOf(rows.next());
            if (sample != null) {
                EncodedRow.write(sample, out);
            }
        }
        return List.of(bytes.toByteArray()).iterator();
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
                plan.longest());
    }

    /** The files that were read; empty where Spark knows the table. */
    public List<InputFile> files() {
        return reader.files();
    }

    /** What the user should be told once. */
    public List<String> notices() {
        return List.copyOf(notices);
    }

    /**
     * Every batch, a {@link io.kvscale.text.TokenBatch} by {@link JavaSerde}, whole in one of the partitions, which have about
     * as many tokens.
     *
     * @param partitions at most; 0: enough for every core, none of many minutes
     */
    public JavaRDD<byte[]> batches(int partitions) {
        long enough = Math.max(spark.defaultParallelism(), summary().tokens() / TASK_TOKENS);
        long count =
                Math.min(partitions > 0 ? partitions : enough, plan.batches().size());
        return BatchRows.of(spark, rows, plan, (int) count);
    }

    /** Lets go of the texts. */
    @Override
    public void close() {
        rows.unpersist();
        reader.close();
    }
}
