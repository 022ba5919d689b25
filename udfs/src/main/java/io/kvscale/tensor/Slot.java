package io.kvscale.tensor;

import java.io.Serializable;
import java.util.Comparator;

/** The keys or the values of one layer of the cache. Ordered by layer, then role. */
public record Slot(int layer, Role role) implements Comparable<Slot>, Serializable {
    /** The highest layer number accepted from a file. */
    public static final int MAX_LAYER = 9_999;

    private static final Comparator<Slot> ORDER =
            Comparator.comparingInt(Slot::layer).thenComparing(Slot::role);

    public Slot {
        if (layer < 0 || layer > MAX_LAYER) {
            throw new IllegalArgumentException("layer " + layer + " is not within 0.." + MAX_LAYER);
        }
    }

    @Override
    public int compareTo(Slot other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return "layer " + layer + " " + role.word();
    }
}
