package io.kvscale.job.corpus.plan;

import io.kvscale.job.corpus.plan.PlannedSequence.Piece;
import io.kvscale.job.spark.JavaSerde;
import io.kvscale.text.TokenBatch;
import io.kvscale.text.TokenSequence;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.Spliterators;
import java.util.stream.StreamSupport;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * Brings the token ids of samples to their batches, by two shuffles: rows meet what is wanted of them by their content,
 * for a table's rows have no other name, and the pieces are then sorted by batch.
 */
public final class BatchRows {
    /** Of a task: about 12 MB, for Spark sends no task that is larger than 128. */
    private static final int MAX_WANTED = 50_000;

    /** Bits of a piece's number in its sequence, and of a sequence's in its batch. */
    private static final int PIECE_BITS = 24;

    private static final int ROW_BITS = 8;

    private BatchRows() {}

    /**
     * Where a piece of a sample goes.
     *
     * @param place batch, row and piece, from the highest bits down: pieces in the order of places are the batches
     */
    private record Wanted(long place, String name, int from, int to) implements Serializable {}

    /** A piece with its ids, on the way to its batch. */
    private record Sent(String name, int[] ids) implements Serializable {}

    /** Batches go whole to partitions. */
    private static final class BatchPartitioner extends Partitioner {
        private static final long serialVersionUID = 1L;

        private final int count;
        private final int[] spread;

        BatchPartitioner(int count, int[] spread) {
            this.count = count;
            this.spread = spread;
        }

        @Override
        public int numPartitions() {
            return count;
        }

        @Override
        public int getPartition(Object place) {
            return spread[batch((Long) place)];
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof BatchPartitioner that && count == that.count && Arrays.equals(spread, that.spread);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(spread);
        }
    }

    private static int batch(long place) {
        return (int) (place >>> (PIECE_BITS + ROW_BITS));
    }

    private static int row(long place) {
        return (int) (place >>> PIECE_BITS) & ((1 << ROW_BITS) - 1);
    }

    /**
     * @param rows see {@link EncodedRow}
     * @param partitions at least 1
     * @return {@link TokenBatch} after {@link TokenBatch}, by {@link JavaSerde}
     */
    public static JavaRDD<byte[]> of(JavaSparkContext spark, JavaRDD<byte[]> rows, BatchPlan plan, int partitions) {
        List<Tuple2<String, byte[]>> all = wanted(plan);
        int slices = Math.max(rows.getNumPartitions(), 1 + all.size() / MAX_WANTED);
        JavaPairRDD<String, byte[]> wanted = spark.parallelizePairs(all, slices);
        // Where samples are chosen by hash, those that are not need not move.
        ContentHash last = plan.batches().stream()
                .flatMap(List::stream)
                .flatMap(sequence -> sequence.pieces().stream())
                .map(piece -> piece.sample().hash())
                .max(Comparator.naturalOrder())
                .orElseThrow();
        return rows.mapPartitionsToPair(part -> distinct(part, last))
                .cogroup(wanted)
                .flatMapToPair(met -> sent(met._2()._1(), met._2()._2()))
                .repartitionAndSortWithinPartitions(new BatchPartitioner(partitions, plan.spread(partitions)))
                .mapPartitions(Batches::new);
    }

    private static List<Tuple2<String, byte[]>> wanted(BatchPlan plan) {
        List<Tuple2<String, byte[]>> wanted = new ArrayList<>();
        for (int batch = 0; batch < plan.batches().size(); batch++) {
            List<PlannedSequence> sequences = plan.batches().get(batch);
            for (int row = 0; row < sequences.size(); row++) {
                PlannedSequence sequence = sequences.get(row);
                for (int i = 0; i < sequence.pieces().size(); i++) {
                    Piece piece = sequence.pieces().get(i);
                    long place = (((long) batch << ROW_BITS) | row) << PIECE_BITS | i;
                    wanted.add(new Tuple2<>(
                            piece.sample().content(),
                            JavaSerde.bytes(new Wanted(place, sequence.name(), piece.from(), piece.to()))));
                }
            }
        }
        return wanted;
    }

    /** The rows with ids up to a hash, of those with the same content the first only. */
    private static Iterator<Tuple2<String, byte[]>> distinct(Iterator<byte[]> rows, ContentHash last) {
        Set<String> seen = new HashSet<>();
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(rows, 0), false)
                .<Tuple2<String, byte[]>>mapMulti((row, next) -> {
                    TextSample sample = EncodedRow.sampleOf(row);
                    if (sample != null && sample.hash().compareTo(last) <= 0 && seen.add(sample.content())) {
                        next.accept(new Tuple2<>(sample.content(), row));
                    }
                })
                .iterator();
    }

    private static Iterator<Tuple2<Long, byte[]>> sent(Iterable<byte[]> rows, Iterable<byte[]> wanted) {
        List<Tuple2<Long, byte[]>> sent = new ArrayList<>();
        Iterator<byte[]> row = rows.iterator();
        int[] ids = row.hasNext() && EncodedRow.fromByteArray(row.next()) instanceof EncodedRow.Good good
                ? good.ids()
                : new int[0];
        for (byte[] bytes : wanted) {
            Wanted piece = JavaSerde.value(bytes, Wanted.class);
            if (piece.to > ids.length) {
                throw new IllegalStateException("the corpus changed while it was read: text " + piece.name);
            }
            sent.add(new Tuple2<>(
                    piece.place, JavaSerde.bytes(new Sent(piece.name, Arrays.copyOfRange(ids, piece.from, piece.to)))));
        }
        return sent.iterator();
    }

    /** Pieces in the order of their places, as batches. */
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
                Sent first = JavaSerde.value(piece._2(), Sent.class);
                List<int[]> ids = new ArrayList<>();
                while (piece != null && batch(piece._1()) == batch && row(piece._1()) == row) {
                    ids.add(JavaSerde.value(piece._2(), Sent.class).ids);
                    step();
                    piece = ahead;
                }
                sequences.add(new TokenSequence(
                        first.name, ids.stream().flatMapToInt(Arrays::stream).toArray()));
            }
            return JavaSerde.bytes(new TokenBatch(sequences));
        }
    }
}
