package io.kvscale.job.corpus.plan;

import io.kvscale.job.corpus.plan.PlannedSequence.Piece;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Which samples go through the model, in which sequences and batches. It follows from the samples alone, whatever order
 * they come in: batches have the same shapes, and so the model computes the same bits, for every partitioning.
 *
 * @param batches in the order of their sequences' lengths
 * @param samples how many were chosen, each at least in part
 * @param cut how many of them are longer than what is taken of them
 */
public record BatchPlan(List<List<PlannedSequence>> batches, int samples, int cut) {
    /** The most tokens of a batch, padding included, unless it is one sequence. */
    static final int BATCH_TOKENS = 512;

    static final int BATCH_ROWS = 32;

    private static final Comparator<PlannedSequence> BY_LENGTH = Comparator.comparingInt(PlannedSequence::length)
            .thenComparing(PlannedSequence::hash)
            .thenComparing(PlannedSequence::name, TextSample.BY_NAME);

    public BatchPlan {
        batches = List.copyOf(batches);
    }

    /**
     * @param samples each with a name
     * @param limit the most tokens of a sequence; 0: none
     * @throws InvalidDataException if two sequences have the same name
     */
    public static BatchPlan of(List<TextSample> samples, TextSettings settings, int limit) {
        List<TextSample> ordered = new ArrayList<>(samples);
        ordered.sort(
                settings.shuffle() ? TextSample.BY_HASH : Comparator.comparing(TextSample::name, TextSample.BY_NAME));
        int most = settings.samples() > 0 ? settings.samples() : Integer.MAX_VALUE;
        List<TextSample> chosen = ordered.subList(0, Math.min(most, ordered.size()));
        boolean truncated = !settings.concatenate() && !settings.windows();
        List<PlannedSequence> sequences = new ArrayList<>();
        if (settings.concatenate()) {
            chosen = ordered.subList(0, pack(ordered, limit, most, sequences));
        } else {
            chosen.forEach(sample -> cut(sample, limit, settings.windows(), sequences));
        }
        checkNames(sequences);
        sequences.sort(BY_LENGTH);
        int cut = (int) chosen.stream()
                .filter(sample -> truncated && limit > 0 && sample.length() > limit)
                .count();
        return new BatchPlan(batches(sequences, settings.chunkTokens()), chosen.size(), cut);
    }

    private static void cut(TextSample sample, int limit, boolean windows, List<PlannedSequence> to) {
        int length = sample.length();
        if (limit == 0 || length <= limit) {
            to.add(new PlannedSequence(sample.name(), List.of(new Piece(sample, 0, length))));
        } else if (!windows) {
            to.add(new PlannedSequence(sample.name(), List.of(new Piece(sample, 0, limit))));
        } else {
            int number = 1;
            for (int from = 0; from < length; from += limit) {
                Piece piece = new Piece(sample, from, Math.min(length, from + limit));
                to.add(new PlannedSequence(sample.name() + "/w" + number++, List.of(piece)));
            }
        }
    }

    /** Until there are enough sequences; says how many samples that takes. The last one may be shorter. */
    private static int pack(List<TextSample> samples, int limit, int most, List<PlannedSequence> to) {
        List<Piece> pieces = new ArrayList<>();
        int room = limit;
        int taken = 0;
        for (TextSample sample : samples) {
            taken++;
            for (int from = 0; from < sample.length(); ) {
                int end = from + Math.min(room, sample.length() - from);
                pieces.add(new Piece(sample, from, end));
                room -= end - from;
                from = end;
                if (room == 0) {
                    to.add(packed(to.size() + 1, pieces));
                    pieces.clear();
                    room = limit;
                    if (to.size() == most) {
                        return taken;
                    }
                }
            }
        }
        if (!pieces.isEmpty()) {
            to.add(packed(to.size() + 1, pieces));
        }
        return taken;
    }

    private static PlannedSequence packed(int number, List<Piece> pieces) {
        return new PlannedSequence(String.format(Locale.ROOT, "packed/%06d", number), pieces);
    }

    private static void checkNames(List<PlannedSequence> sequences) {
        Set<String> names = new HashSet<>();
        List<String> twice = sequences.stream()
                .map(PlannedSequence::name)
                .filter(name -> !names.add(name))
                .toList();
        if (!twice.isEmpty()) {
            String first = twice.stream().min(TextSample.BY_NAME).orElseThrow();
            throw new InvalidDataException(DataProblem.of(
                    "two texts have the name '" + DataProblem.shown(first) + "'",
                    "rename one of their files, so that no file is named as a line or window of another"));
        }
    }

    private static List<List<PlannedSequence>> batches(List<PlannedSequence> sorted, int chunkTokens) {
        List<List<PlannedSequence>> batches = new ArrayList<>();
        List<PlannedSequence> current = new ArrayList<>();
        for (PlannedSequence next : sorted) {
            // Sorted by length: the next is the longest.
            boolean full = current.size() == BATCH_ROWS
                    || (long) (current.size() + 1) * next.length() > BATCH_TOKENS
                    || next.length() > chunkTokens;
            if (full && !current.isEmpty()) {
                batches.add(List.copyOf(current));
                current.clear();
            }
            current.add(next);
        }
        if (!current.isEmpty()) {
            batches.add(List.copyOf(current));
        }
        return batches;
    }

    public int sequences() {
        return batches.stream().mapToInt(List::size).sum();
    }

    public int longest() {
        return batches.stream()
                .flatMap(List::stream)
                .mapToInt(PlannedSequence::length)
                .max()
                .orElse(0);
    }

    /** Real ones, without padding. */
    public long tokens() {
        return batches.stream().mapToLong(BatchPlan::tokens).sum();
    }

    private static long tokens(List<PlannedSequence> batch) {
        return batch.stream().mapToLong(PlannedSequence::length).sum();
    }

    /**
     * The partition of every batch, such that partitions have about as many tokens: the largest batches first, each to
     * the partition that has least, the first of equals.
     *
     * @param partitions at least 1
     */
    int[] spread(int partitions) {
        int[] spread = new int[batches.size()];
        PriorityQueue<long[]> least = new PriorityQueue<>(
                Comparator.<long[]>comparingLong(load -> load[0]).thenComparingLong(load -> load[1]));
        for (int i = 0; i < partitions; i++) {
            least.add(new long[] {0, i});
        }
        for (int batch : IntStream.range(0, spread.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingLong(i -> -tokens(batches.get(i))))
                .toList()) {
            long[] load = Objects.requireNonNull(least.poll());
            spread[batch] = (int) load[1];
            least.add(new long[] {load[0] + tokens(batches.get(batch)), load[1]});
        }
        return spread;
    }
}
