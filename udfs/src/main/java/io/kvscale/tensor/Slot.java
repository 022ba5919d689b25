package io.kvscale.tensor;

import java.io.Serializable;
import java.util.SortedMap;
import java.util.TreeMap;

/** The keys, the values or the queries of one layer. Ordered by layer, then role. */
public record Slot(int layer, Role role) implements Comparable<Slot>, Serializable {
    /** The highest layer number accepted from a file. */
    public static final int MAX_LAYER = 9_999;

    public Slot {
        if (layer < 0 || layer > MAX_LAYER) {
            throw new IllegalArgumentException("layer " + layer + " is not within 0.." + MAX_LAYER);
        }
    }

    /** What must lie beside this slot in the same layer: V beside K, K beside V and beside Q. */
    public Slot partner() {
        return new Slot(layer, role == Role.KEY ? Role.VALUE : Role.KEY);
    }

    /** A copy of a map with the slots of K and V only. */
    public static <T> SortedMap<Slot, T> cached(SortedMap<Slot, T> slots) {
        SortedMap<Slot, T> cached = new TreeMap<>(slots);
        cached.keySet().removeIf(slot -> !slot.role().isCached());
        return cached;
    }

    @Override
    public int compareTo(Slot other) {
        // Not a chain of comparators: tasks look up every tensor by its slot, several times.
        int byLayer = Integer.compare(layer, other.layer);
        return byLayer != 0 ? byLayer : role.compareTo(other.role);
    }

    @Override
    public String toString() {
        return "layer " + layer + " " + role.word();
    }
}
