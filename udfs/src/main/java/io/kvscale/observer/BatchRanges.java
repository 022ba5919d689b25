package io.kvscale.observer;

import io.kvscale.tensor.Sample;
import java.util.Comparator;
import java.util.NavigableMap;
import java.util.TreeMap;

/** The ranges of the single batches of a slot (or of the last batch only), in the order of the corpus. */
final class BatchRanges {
    final BatchPolicy policy;
    final NavigableMap<Key, ChannelRanges> ranges = new TreeMap<>();

    /** The place of a batch in the corpus. Ordered by the UTF-8 bytes of the file's path, then by offset. */
    record Key(String file, long offset) implements Comparable<Key> {
        private static final Comparator<Key> ORDER =
                Comparator.comparing(Key::file, Sample::compareUtf8).thenComparingLong(Key::offset);

        @Override
        public int compareTo(Key other) {
            return ORDER.compare(this, other);
        }
    }

    BatchRanges(BatchPolicy policy) {
        this.policy = policy;
    }

    /**
     * Adds a piece of a batch; pieces with equal keys belong to one batch.
     *
     * @param reduced the ranges of the piece, already {@linkplain ChannelRanges#reduced reduced} to the policy's width
     */
    void update(Key key, ChannelRanges reduced) {
        if (policy.lastOnly() && !ranges.isEmpty() && key.compareTo(ranges.lastKey()) < 0) {
            return;
        }
        ChannelRanges present = ranges.get(key);
        if (present == null) {
            ranges.put(key, reduced);
        } else {
            present.merge(reduced);
        }
        if (policy.lastOnly()) {
            ranges.headMap(key, false).clear();
        }
    }

    /** Whether every batch lies within the ranges of the whole slot. */
    boolean isWithin(ChannelRanges all) {
        ChannelRanges whole = all.reduced(policy.channelsPerScale());
        return ranges.values().stream().allMatch(batch -> {
            for (int i = 0; i < batch.min.length; i++) {
                if (!batch.isEmpty(i) && (batch.min[i] < whole.min[i] || batch.max[i] > whole.max[i])) {
                    return false;
                }
            }
            return true;
        });
    }

    void merge(BatchRanges other) {
        if (!policy.equals(other.policy)) {
            throw new IllegalArgumentException("cannot merge batch ranges of " + other.policy + " into " + policy);
        }
        other.ranges.forEach((key, added) -> update(key, added.reduced(1)));
    }
}
