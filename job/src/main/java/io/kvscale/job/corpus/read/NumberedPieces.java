package io.kvscale.job.corpus.read;

import io.kvscale.input.FilePiece;
import io.kvscale.input.InputFile;
import io.kvscale.input.Split;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.job.spark.RetryPolicy;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.jspecify.annotations.Nullable;

/**
 * What one task reads.
 *
 * @param before how many lines end before each piece, in its file
 */
record NumberedPieces(ArrayList<FilePiece> pieces, long[] before) implements Serializable {
    private static final long MAX_BYTES = 64L << 20;
    private static final int MAX_SPLITS = 1_000_000;

    /** What a task counted, or why it could not. */
    private record Counted(long lines, @Nullable DataProblem problem) implements Serializable {}

    /**
     * Cuts files, and counts the lines of those that are cut: in a Spark job, where there are any.
     *
     * @param partitions how many tasks to aim at; 0: enough for every core, of at most 64 MB each
     * @throws InvalidDataException if a file cannot be read
     */
    static List<NumberedPieces> plan(
            JavaSparkContext spark,
            List<InputFile> files,
            int partitions,
            Broadcast<SerializableConfiguration> configuration,
            RetryPolicy retries) {
        long bytes = files.stream().mapToLong(InputFile::length).sum();
        long enough = Math.max(spark.defaultParallelism(), (bytes + MAX_BYTES - 1) / MAX_BYTES);
        List<Split> splits =
                Split.plan(files, partitions > 0 ? partitions : (int) Math.min(MAX_SPLITS, Math.max(1, enough)));
        Map<FilePiece, Long> lines = count(spark, splits, configuration, retries);
        List<NumberedPieces> numbered = new ArrayList<>();
        long ended = 0;
        for (Split split : splits) {
            long[] before = new long[split.pieces().size()];
            for (int i = 0; i < before.length; i++) {
                FilePiece piece = split.pieces().get(i);
                ended = piece.start() == 0 ? 0 : ended;
                before[i] = ended;
                ended += lines.getOrDefault(piece, 0L);
            }
            numbered.add(new NumberedPieces(split.pieces(), before));
        }
        return numbered;
    }

    /** Only what lines of the same file come behind is counted. */
    private static Map<FilePiece, Long> count(
            JavaSparkContext spark,
            List<Split> splits,
            Broadcast<SerializableConfiguration> configuration,
            RetryPolicy retries) {
        List<FilePiece> counted = splits.stream()
                .flatMap(split -> split.pieces().stream())
                .filter(piece -> piece.end() < piece.file().length() && FileTexts.areLines(piece.file()))
                .toList();
        if (counted.isEmpty()) {
            return Map.of();
        }
        List<byte[]> counts = spark.parallelize(
                        counted.stream().map(JavaSerde::bytes).toList(), counted.size())
                .map(piece -> JavaSerde.bytes(count(
                        JavaSerde.value(piece, FilePiece.class),
                        configuration.value().value(),
                        retries)))
                .collect();
        Map<FilePiece, Long> lines = new HashMap<>();
        for (int i = 0; i < counts.size(); i++) {
            Counted count = JavaSerde.value(counts.get(i), Counted.class);
            if (count.problem != null) {
                throw new InvalidDataException(count.problem);
            }
            lines.put(counted.get(i), count.lines);
        }
        return lines;
    }

    private static Counted count(FilePiece piece, Configuration configuration, RetryPolicy retries) {
        try (FSDataInputStream in = FileTexts.open(piece.file(), configuration)) {
            return new Counted(Lines.count(in, piece.file().length(), piece.start(), piece.end()), null);
        } catch (IOException e) {
            return new Counted(0, FileTexts.failed(piece.file(), e, retries));
        }
    }
}
