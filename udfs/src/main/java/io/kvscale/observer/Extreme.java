package io.kvscale.observer;

import io.kvscale.tensor.Sample;
import org.jspecify.annotations.Nullable;

/** The minimum or maximum of a slot, as an order key, and the first sample that holds it. */
record Extreme(int key, @Nullable Sample sample) {
    Extreme least(Extreme other) {
        return key < other.key || (key == other.key && isBefore(other)) ? this : other;
    }

    Extreme greatest(Extreme other) {
        return key > other.key || (key == other.key && isBefore(other)) ? this : other;
    }

    /** Whether this wins a tie: values without a sample come first, then the samples in their order. */
    private boolean isBefore(Extreme other) {
        return sample == null || (other.sample != null && sample.compareTo(other.sample) < 0);
    }
}
