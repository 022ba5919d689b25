package io.kvscale.task;

import io.kvscale.tensor.Origin;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Samples with the same content, found by a hash of values of each. A commutative monoid under {@link #merge}.
 *
 * <p>Only the samples with the smallest hashes are kept. Whether a hash is among them does not depend
 * on how the corpus was split.
 */
public final class Copies implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The samples with one hash: how many, and the first two. */
    private record Alike(long count, Origin first, @Nullable Origin second) implements Serializable {
        Alike merge(Alike other) {
            List<Origin> origins = new ArrayList<>(List.of(first, other.first));
            if (second != null) {
                origins.add(second);
            }
            if (other.second != null) {
                origins.add(other.second);
            }
            origins.sort(Comparator.naturalOrder());
            return new Alike(count + other.count, origins.get(0), origins.get(1));
        }
    }

    /** A sample of which some values are still missing, because its tensor is cut between tasks. */
    private record Place(Origin origin, long offset) implements Comparable<Place>, Serializable {
        private static final Comparator<Place> ORDER =
                Comparator.comparing(Place::origin).thenComparingLong(Place::offset);

        @Override
        public int compareTo(Place other) {
            return ORDER.compare(this, other);
        }
    }

    private record Part(long values, long all, long sum) implements Serializable {
        Part merge(Part other) {
            return new Part(values + other.values, all, sum + other.sum);
        }
    }

    /**
     * Samples that have the same content as others.
     *
     * @param samples number of samples beyond the first of each content
     * @param first the first sample that has a copy, in the order of samples
     * @param copy its first copy
     */
    public record Found(long samples, Origin first, Origin copy) {}

    private final SmallestHashes<Alike> smallest = new SmallestHashes<>();
    private final TreeMap<Place, Part> parts = new TreeMap<>();

    /**
     * Adds values of a sample, which may come in pieces and in any order.
     *
     * @param offset tells the tensors of one origin apart
     * @param values the number of values added
     * @param all the number of values that samples are compared by
     * @param sum the sum of the values' hashes
     */
    void add(Origin origin, long offset, long values, long all, long sum) {
        add(new Place(origin, offset), new Part(values, all, sum));
    }

    private void add(Place place, Part added) {
        Part part = added;
        if (part.values < part.all) {
            part = parts.merge(place, part, Part::merge);
            if (part.values < part.all) {
                return;
            }
            parts.remove(place);
        }
        smallest.add(SampleHash.mix(part.sum + part.all), new Alike(1, place.origin, null), Alike::merge);
    }

    void merge(Copies other) {
        smallest.addAll(other.smallest, Alike::merge);
        other.parts.forEach(this::add);
    }

    /** The copies among the samples that were compared; null if there are none. */
    public @Nullable Found found() {
        Found found = null;
        long samples = 0;
        for (Alike alike : smallest.values()) {
            Origin copy = alike.second;
            if (copy != null) {
                samples += alike.count - 1;
                if (found == null || alike.first.compareTo(found.first) < 0) {
                    found = new Found(0, alike.first, copy);
                }
            }
        }
        return found == null ? null : new Found(samples, found.first, found.copy);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Copies copies && smallest.equals(copies.smallest) && parts.equals(copies.parts);
    }

    @Override
    public int hashCode() {
        return smallest.hashCode() + parts.hashCode();
    }
}
