package io.kvscale.task;

import io.kvscale.observer.evidence.MixedRotation.OfSample;
import io.kvscale.observer.evidence.PairWins;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the sizes of channels say about RoPE, for each sample. A commutative monoid under {@link #merge}.
 *
 * <p>Only the samples with the smallest hashes of their names are kept. Whether a sample is among them
 * does not depend on how the corpus was split.
 */
public final class SampleRotations implements Serializable {
    private static final long serialVersionUID = 1L;

    /** A slot of a sample of which some values are still missing, because its tensor is cut between tasks. */
    private record Place(Origin origin, Slot slot) implements Comparable<Place>, Serializable {
        private static final Comparator<Place> ORDER =
                Comparator.comparing(Place::origin).thenComparing(Place::slot);

        @Override
        public int compareTo(Place other) {
            return ORDER.compare(this, other);
        }
    }

    /**
     * The channels of a slot, as far as they were seen.
     *
     * @param sizes the maximum |x| of each channel of each head
     * @param values number of values seen
     * @param all number of values to see
     * @param channels the channels of a head that RoPE turns
     */
    record Part(float[] sizes, long values, long all, int headDim, int channels) implements Serializable {
        Part merge(Part other) {
            float[] larger = sizes.clone();
            for (int c = 0; c < larger.length; c++) {
                larger[c] = Math.max(larger[c], other.sizes[c]);
            }
            return new Part(larger, values + other.values, all, headDim, channels);
        }
    }

    private final SmallestHashes<OfSample> smallest = new SmallestHashes<>();
    private final TreeMap<Place, Part> parts = new TreeMap<>();
    /** The last origin with its hash, because the tensors of a sample come one after another. */
    private transient @Nullable Origin last;

    private transient long lastHash;

    /** Whether a sample may be among those that are kept. */
    boolean mayKeep(Origin origin) {
        return smallest.mayKeep(hash(origin));
    }

    /** Adds values of a slot of a sample, which may come in pieces and in any order. */
    void add(Origin origin, Slot slot, Part added) {
        add(new Place(origin, slot), added);
    }

    private void add(Place place, Part added) {
        Part part = added;
        if (part.values < part.all) {
            Part known = parts.remove(place);
            part = known == null || known.sizes.length != part.sizes.length ? part : known.merge(part);
            if (part.values < part.all) {
                parts.put(place, part);
                return;
            }
        }
        PairWins wins = PairWins.of(part.sizes, part.headDim, part.channels);
        boolean isKey = place.slot.role() == Role.KEY;
        OfSample sample = new OfSample(place.origin, isKey ? wins : PairWins.NONE, isKey ? PairWins.NONE : wins);
        smallest.add(hash(place.origin), sample, OfSample::plus);
    }

    void merge(SampleRotations other) {
        smallest.addAll(other.smallest, OfSample::plus);
        other.parts.forEach(this::add);
    }

    /** The samples that were compared, in their order. */
    public List<OfSample> samples() {
        List<OfSample> samples = new ArrayList<>(smallest.values());
        samples.sort(Comparator.comparing(OfSample::origin));
        return samples;
    }

    private long hash(Origin origin) {
        if (origin.equals(last)) {
            return lastHash;
        }
        last = origin;
        lastHash = SampleHash.ofName(
                origin.sample() == null ? origin.file() : origin.sample().toString());
        return lastHash;
    }
}
