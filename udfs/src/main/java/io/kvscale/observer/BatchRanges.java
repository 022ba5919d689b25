package io.kvscale.observer;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** The range of every batch (or of the last one) of a slot, under the batch's place in the corpus. */
final class BatchRanges {
    final BatchPolicy policy;
    final NavigableMap<BatchKey, ChannelRanges> ranges = new TreeMap<>();

    BatchRanges(BatchPolicy policy) {
        this.policy = policy;
    }

    /** Folds a piece of a batch in; the pieces of one batch meet under its key. */
    void update(BatchKey key, ChannelRanges reduced) {
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

    /** Whether no batch has values beyond those of all. */
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
            throw new IllegalArgumentException("batches kept by " + policy + " cannot merge with " + other.policy);
        }
        for (Map.Entry<BatchKey, ChannelRanges> entry : other.ranges.entrySet()) {
            update(entry.getKey(), entry.getValue().reduced(1));
        }
    }
}
