package io.kvscale.job.corpus.plan;

import io.kvscale.job.corpus.plan.PlannedSequence.Piece;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.Spliterators;
import java.util.function.BinaryOperator;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * Moves token ids to their batches in two shuffles. The first joins encoded rows with the planned pieces by content, because
 * rows of a table have no other key. The second sorts the pieces by batch.
 */
public final class BatchShuffle {
    /** Maximum number of planned pieces per task: about 12 MB. Spark's limit for a task is 128 MB. */
    private static final int MAX_PIECES = 50_000;

    /** Bits of {@code place} for the number of a piece in its sequence. */
    private static final int PIECE_BITS = 24;

    /** Bits of {@code place} for the number of a sequence in its batch. */
    private static final int ROW_BITS = 8;

    private BatchShuffle() {}

    /**
     * A planned piece of a sample.
     *
     * @param place the numbers of batch, row and piece, from the high bits down; its order is the order of the batches
     * @param name of the sequence
     * @param stratum of the sequence, see {@link TokenSequence}
     */
    private record PiecePlan(long place, String name, String stratum, int from, int to) implements Serializable {}

    /** The token ids of a piece, and the name and stratum of its sequence. */
    private record PieceIds(String name, String stratum, int[] ids) implements Serializable {}

    /** Keeps the pieces of a batch in one partition. */
    private static final class BatchPartitioner extends Partitioner {
        private static final long serialVersionUID = 1L;

        private final int count;
        private final int[] partitionOfBatch;

        BatchPartitioner(int count, int[] partitionOfBatch) {
            this.count = count;
            this.partitionOfBatch = partitionOfBatch;
        }

        @Override
        public int numPartitions() {
            return count;
        }

        @Override
        public int getPartition(Object place) {
            return partitionOfBatch[batch((Long) place)];
        }
    }

    private static int batch(long place) {
        return (int) (place >>> (PIECE_BITS + ROW_BITS));
    }

    private static int row(long place) {
        return (int) (place >>> PIECE_BITS) & ((1 << ROW_BITS) - 1);
    }

    /**
     * @param rows {@link EncodedRow}s
     * @param partitions at least 1
     * @return {@link TokenBatch}es by {@link JavaSerde}
     */
    public static JavaRDD<byte[]> batches(
            JavaSparkContext spark, JavaRDD<byte[]> rows, BatchPlan plan, int partitions) {
        return batches(spark, rows, plan, partitions, plan.partitionsOfBatches(partitions));
    }

    /**
     * @param rows {@link EncodedRow}s
     * @param partitions at least 1
     * @param partitionOfBatch the partition of each batch of the plan
     * @return {@link TokenBatch}es by {@link JavaSerde}, in each partition in the order of the plan
     */
    public static JavaRDD<byte[]> batches(
            JavaSparkContext spark, JavaRDD<byte[]> rows, BatchPlan plan, int partitions, int[] partitionOfBatch) {
        List<Tuple2<String, byte[]>> all = planned(plan);
        int slices = Math.max(rows.getNumPartitions(), 1 + all.size() / MAX_PIECES);
        JavaPairRDD<String, byte[]> planned = spark.parallelizePairs(all, slices);
        // With shuffle: true the samples with the lowest hashes of each stratum are chosen. Rows above the last chosen
        // hash are not moved.
        Map<String, ContentHash> last = plan.batches().stream()
                .flatMap(List::stream)
                .flatMap(sequence -> sequence.pieces().stream())
                .map(Piece::sample)
                .collect(Collectors.toMap(
                        sample -> sample.strata().sample(),
                        TextSample::hash,
                        BinaryOperator.maxBy(Comparator.naturalOrder()),
                        HashMap::new));
        return rows.mapPartitionsToPair(part -> distinct(part, last))
                .cogroup(planned)
                .flatMapToPair(joined -> pieces(joined._2()._1(), joined._2()._2()))
                .repartitionAndSortWithinPartitions(new BatchPartitioner(partitions, partitionOfBatch))
                .mapPartitions(Batches::new);
    }

    private static List<Tuple2<String, byte[]>> planned(BatchPlan plan) {
        List<Tuple2<String, byte[]>> planned = new ArrayList<>();
        for (int batch = 0; batch < plan.batches().size(); batch++) {
            List<PlannedSequence> sequences = plan.batches().get(batch);
            for (int row = 0; row < sequences.size(); row++) {
                PlannedSequence sequence = sequences.get(row);
                for (int i = 0; i < sequence.pieces().size(); i++) {
                    Piece piece = sequence.pieces().get(i);
                    long place = (((long) batch << ROW_BITS) | row) << PIECE_BITS | i;
                    planned.add(new Tuple2<>(
                            piece.sample().contentKey(),
                            JavaSerde.bytes(new PiecePlan(
                                    place,
                                    sequence.name(),
                                    piece.sample().strata().statistics(),
                                    piece.from(),
                                    piece.to()))));
                }
            }
        }
        return planned;
    }

    /**
     * The good rows with a hash up to the {@code last} of their stratum, keyed by content. Rows that repeat a content are
     * left out.
     */
    private static Iterator<Tuple2<String, byte[]>> distinct(Iterator<byte[]> rows, Map<String, ContentHash> last) {
        Set<String> seen = new HashSet<>();
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(rows, 0), false)
                .<Tuple2<String, byte[]>>mapMulti((row, next) -> {
                    TextSample sample = EncodedRow.sampleOf(row);
                    if (sample == null) {
                        return;
                    }
                    ContentHash end = last.get(sample.strata().sample());
                    if (end != null && sample.hash().compareTo(end) <= 0 && seen.add(sample.contentKey())) {
                        next.accept(new Tuple2<>(sample.contentKey(), row));
                    }
                })
                .iterator();
    }

    private static Iterator<Tuple2<Long, byte[]>> pieces(Iterable<byte[]> rows, Iterable<byte[]> planned) {
        List<Tuple2<Long, byte[]>> pieces = new ArrayList<>();
        Iterator<byte[]> row = rows.iterator();
        int[] ids = row.hasNext() && EncodedRow.fromByteArray(row.next()) instanceof EncodedRow.Good good
                ? good.ids()
                : new int[0];
        for (byte[] bytes : planned) {
            PiecePlan piece = JavaSerde.value(bytes, PiecePlan.class);
            if (piece.to > ids.length) {
                throw new IllegalStateException("the texts changed while they were read: sequence " + piece.name);
            }
            pieces.add(new Tuple2<>(
                    piece.place,
                    JavaSerde.bytes(
                            new PieceIds(piece.name, piece.stratum, Arrays.copyOfRange(ids, piece.from, piece.to)))));
        }
        return pieces.iterator();
    }

    /** Assembles batches from pieces in the order of their places. */
    private static final class Batches implements Iterator<byte[]> {
        private final Iterator<Tuple2<Long, byte[]>> pieces;
        private @Nullable Tuple2<Long, byte[]> ahead;

        Batches(Iterator<Tuple2<Long, byte[]>> pieces) {
            this.pieces = pieces;
            step();
        }

        private void step() {
            ahead = pieces.hasNext() ? pieces.next() : null;
        }

        @Override
        public boolean hasNext() {
            return ahead != null;
        }

        @Override
        public byte[] next() {
            Tuple2<Long, byte[]> piece = ahead;
            if (piece == null) {
                throw new NoSuchElementException();
            }
            int batch = batch(piece._1());
            List<TokenSequence> sequences = new ArrayList<>();
            while (piece != null && batch(piece._1()) == batch) {
                int row = row(piece._1());
                PieceIds first = JavaSerde.value(piece._2(), PieceIds.class);
                List<int[]> ids = new ArrayList<>();
                while (piece != null && batch(piece._1()) == batch && row(piece._1()) == row) {
                    ids.add(JavaSerde.value(piece._2(), PieceIds.class).ids);
                    step();
                    piece = ahead;
                }
                sequences.add(new TokenSequence(
                        first.name, ids.stream().flatMapToInt(Arrays::stream).toArray(), first.stratum));
            }
            return JavaSerde.bytes(new TokenBatch(sequences));
        }
    }
}
