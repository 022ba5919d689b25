package io.kvscale.task;

import java.io.Serializable;
import java.util.Collection;
import java.util.TreeMap;
import java.util.function.BinaryOperator;

/**
 * Values by hash, of which only those with the {@value #KEPT} smallest hashes are kept, so that a state stays small. Which
 * ones are kept does not depend on the order in which they come.
 *
 * @param <V> values of one hash are merged; serializable
 */
final class SmallestHashes<V> implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Maximum number of hashes. */
    static final int KEPT = 4_096;

    private final TreeMap<Long, V> smallest = new TreeMap<>();

    /** Whether a hash may be among those that are kept. */
    boolean mayKeep(long hash) {
        return smallest.size() < KEPT || hash <= smallest.lastKey();
    }

    void add(long hash, V value, BinaryOperator<V> merge) {
        if (mayKeep(hash)) {
            smallest.merge(hash, value, merge);
            if (smallest.size() > KEPT) {
                smallest.pollLastEntry();
            }
        }
    }

    void addAll(SmallestHashes<V> other, BinaryOperator<V> merge) {
        other.smallest.forEach((hash, value) -> add(hash, value, merge));
    }

    Collection<V> values() {
        return smallest.values();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SmallestHashes<?> that && smallest.equals(that.smallest);
    }

    @Override
    public int hashCode() {
        return smallest.hashCode();
    }
}
