package io.kvscale.capture;

import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Slot;

/**
 * A tensor, or the half of one, that belongs to a slot.
 *
 * @param begin first byte in the file
 */
record SlotTensor(Slot slot, KvSource source, String name, long begin) {
    int valueBytes() {
        return source.geometry().dtype().bytes();
    }

    /** The first value whose first byte is at {@code position} or behind it; at most the number of values. */
    long elementAt(long position) {
        long into = Math.max(0, position - begin);
        return Math.min(source.size(), (into + valueBytes() - 1) / valueBytes());
    }

    long byteOf(long element) {
        return begin + element * valueBytes();
    }
}
