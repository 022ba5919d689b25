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
 * The file pieces that one task reads.
 *
 * @param linesBefore for each piece, the number of lines of its file that end before it
 */
record TextSplit(ArrayList<FilePiece> pieces, long[] linesBefore) implements Serializable {
    private static final long MAX_BYTES = 64L << 20;
    private static final int MAX_SPLITS = 1_000_000;

    /** The line count of a piece, or the reason why it cannot be read. */
    private record LineCount(long lines, @Nullable DataProblem problem) implements Serializable {}

    /**
     * Plans the splits. A Spark job counts the lines of the files that are cut, if there are any.
     *
     * @param partitions target number of tasks; 0: one per core, more if a task would read more than 64 MB
     * @throws InvalidDataException if a file cannot be read
     */
    static List<TextSplit> plan(
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
        List<TextSplit> numbered = new ArrayList<>();
        long ended = 0;
        for (Split split : splits) {
            long[] before = new long[split.pieces().size()];
            for (int i = 0; i < before.length; i++) {
                FilePiece piece = split.pieces().get(i);
                ended = piece.start() == 0 ? 0 : ended;
                before[i] = ended;
                ended += lines.getOrDefault(piece, 0L);
            }
            numbered.add(new TextSplit(split.pieces(), before));
        }
        return numbered;
    }

    /** Counts the lines of each piece that is followed by another piece of its file. */
    private static Map<FilePiece, Long> count(
            JavaSparkContext spark,
            List<Split> splits,
            Broadcast<SerializableConfiguration> configuration,
            RetryPolicy retries) {
        List<FilePiece> counted = splits.stream()
                .flatMap(split -> split.pieces().stream())
                .filter(piece -> piece.end() < piece.file().length() && TextFormat.of(piece.file()) == TextFormat.LINES)
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
            LineCount count = JavaSerde.value(counts.get(i), LineCount.class);
            if (count.problem != null) {
                throw new InvalidDataException(count.problem);
            }
            lines.put(counted.get(i), count.lines);
        }
        return lines;
    }

    private static LineCount count(FilePiece piece, Configuration configuration, RetryPolicy retries) {
        try (FSDataInputStream in = FilePieceReader.open(piece.file(), configuration)) {
            return new LineCount(LineReader.count(in, piece.file().length(), piece.start(), piece.end()), null);
        } catch (IOException e) {
            return new LineCount(0, FilePieceReader.failed(piece.file(), e, retries));
        }
    }
}
