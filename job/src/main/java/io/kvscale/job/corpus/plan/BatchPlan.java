package io.kvscale.job.corpus.plan;

import io.kvscale.job.corpus.plan.PlannedSequence.Piece;
import io.kvscale.job.recipe.StratumQuota;
import io.kvscale.job.recipe.TextSettings;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.Strata;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The samples chosen for the model, grouped into sequences and batches. The plan does not depend on the order of its input.
 * Batches therefore have the same shapes for any partitioning, and the model computes the same bits.
 *
 * @param batches by ascending sequence length
 * @param samples number of samples chosen, in whole or in part
 * @param cut number of samples that are truncated
 * @param sampled number of samples chosen by {@link Strata#sample}; empty without strata
 * @param observed number of samples chosen by {@link Strata#statistics}; empty without strata
 */
public record BatchPlan(
        List<List<PlannedSequence>> batches,
        int samples,
        int cut,
        SortedMap<String, Long> sampled,
        SortedMap<String, Long> observed) {
    /** Maximum number of tokens in a batch, padding included. A batch of one sequence may exceed it. */
    static final int MAX_BATCH_TOKENS = 512;

    static final int MAX_BATCH_ROWS = 32;

    /** Sequences of the first part of {@link #doubling}. */
    static final int FIRST_PART = 64;

    private static final Comparator<PlannedSequence> BY_HASH =
            Comparator.comparing(PlannedSequence::hash).thenComparing(PlannedSequence::name, TextSample.BY_NAME);

    private static final Comparator<PlannedSequence> BY_LENGTH =
            Comparator.comparingInt(PlannedSequence::length).thenComparing(BY_HASH);

    public BatchPlan {
        batches = List.copyOf(batches);
    }

    /**
     * @param samples all with names
     * @param limit maximum number of tokens in a sequence; 0: no limit
     * @throws InvalidDataException if two sequences have the same name
     */
    public static BatchPlan of(List<TextSample> samples, TextSettings settings, int limit) {
        List<TextSample> ordered = new ArrayList<>(samples);
        ordered.sort(
                settings.shuffle() ? TextSample.BY_HASH : Comparator.comparing(TextSample::name, TextSample.BY_NAME));
        int maxCount = settings.samples() > 0 ? settings.samples() : Integer.MAX_VALUE;
        List<TextSample> chosen = settings.perStratum().isGiven()
                ? ofEachStratum(ordered, settings.perStratum())
                : ordered.subList(0, Math.min(maxCount, ordered.size()));
        boolean truncated = !settings.concatenate() && !settings.windows();
        List<PlannedSequence> sequences = new ArrayList<>();
        if (settings.concatenate()) {
            chosen = ordered.subList(0, pack(ordered, limit, maxCount, sequences));
        } else {
            chosen.forEach(sample -> cut(sample, limit, settings.windows(), sequences));
        }
        checkNames(sequences);
        sequences.sort(BY_LENGTH);
        int cut = (int) chosen.stream()
                .filter(sample -> truncated && limit > 0 && sample.length() > limit)
                .count();
        return new BatchPlan(
                batches(sequences, settings.chunkTokens()),
                chosen.size(),
                cut,
                counts(chosen, Strata::sample),
                counts(chosen, Strata::statistics));
    }

    /** The first samples of each stratum, as many as it may have. */
    private static List<TextSample> ofEachStratum(List<TextSample> ordered, StratumQuota quota) {
        Map<String, Integer> taken = new HashMap<>();
        return ordered.stream()
                .filter(sample -> taken.merge(sample.strata().sample(), 1, Integer::sum)
                        <= quota.of(sample.strata().sample()))
                .toList();
    }

    private static SortedMap<String, Long> counts(List<TextSample> samples, Function<Strata, String> stratum) {
        return samples.stream()
                .map(sample -> stratum.apply(sample.strata()))
                .filter(name -> !name.isEmpty())
                .collect(Collectors.groupingBy(Function.identity(), TreeMap::new, Collectors.counting()));
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

    /** Concatenates samples into sequences, of which the last may be shorter. Returns the number of samples used. */
    private static int pack(List<TextSample> samples, int limit, int maxSequences, List<PlannedSequence> to) {
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
                    if (to.size() == maxSequences) {
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
                    "rename one of their files: lines are named FILE/LINE and windows TEXT/wNUMBER"));
        }
    }

    private static List<List<PlannedSequence>> batches(List<PlannedSequence> sorted, int chunkTokens) {
        List<List<PlannedSequence>> batches = new ArrayList<>();
        List<PlannedSequence> current = new ArrayList<>();
        for (PlannedSequence next : sorted) {
            // The sequences are sorted by length, so the next one is the longest.
            boolean full = current.size() == MAX_BATCH_ROWS
                    || (long) (current.size() + 1) * next.length() > MAX_BATCH_TOKENS
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

    /**
     * The sequences in the order of their hashes, in parts: 64, then as many as in all parts before. Each part has batches of
     * its own, so that the bits of a part do not depend on whether others follow.
     *
     * @param chunkTokens the largest number of tokens that the model is fed at once
     */
    public List<BatchPlan> doubling(int chunkTokens) {
        List<PlannedSequence> all = new ArrayList<>();
        batches.forEach(all::addAll);
        all.sort(BY_HASH);
        List<BatchPlan> parts = new ArrayList<>();
        for (int from = 0; from < all.size(); ) {
            int to = Math.min(all.size(), Math.max(FIRST_PART, 2 * from));
            List<PlannedSequence> part = new ArrayList<>(all.subList(from, to));
            part.sort(BY_LENGTH);
            int whole = (int) part.stream()
                    .flatMap(sequence -> sequence.pieces().stream())
                    .map(Piece::sample)
                    .distinct()
                    .count();
            parts.add(new BatchPlan(batches(part, chunkTokens), whole, 0, new TreeMap<>(), new TreeMap<>()));
            from = to;
        }
        return parts;
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

    /** Total number of tokens, without padding. */
    public long tokens() {
        return batches.stream().mapToLong(BatchPlan::tokens).sum();
    }

    private static long tokens(List<PlannedSequence> batch) {
        return batch.stream().mapToLong(PlannedSequence::length).sum();
    }

    /** The batches with these numbers, in this order. */
    public BatchPlan only(List<Integer> numbers) {
        return new BatchPlan(numbers.stream().map(batches::get).toList(), samples, cut, sampled, observed);
    }

    /** How later runs recognize the batches, in their order. */
    public List<KeyedBatch> keyed() {
        return batches.stream().map(KeyedBatch::of).toList();
    }

    int[] partitionsOfBatches(int partitions) {
        return balanced(batches.stream().map(BatchPlan::tokens).toList(), partitions);
    }

    /**
     * Assigns each load to a partition so that token counts are about equal: the largest load first, each to the partition
     * with the fewest tokens, ties to the lowest number.
     *
     * @param partitions at least 1
     */
    public static int[] balanced(List<Long> tokens, int partitions) {
        int[] assigned = new int[tokens.size()];
        PriorityQueue<long[]> least = new PriorityQueue<>(
                Comparator.<long[]>comparingLong(load -> load[0]).thenComparingLong(load -> load[1]));
        for (int i = 0; i < partitions; i++) {
            least.add(new long[] {0, i});
        }
        for (int next : IntStream.range(0, assigned.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingLong(i -> -tokens.get(i)))
                .toList()) {
            long[] load = Objects.requireNonNull(least.poll());
            assigned[next] = (int) load[1];
            least.add(new long[] {load[0] + tokens.get(next), load[1]});
        }
        return assigned;
    }
}
