package io.kvscale.capture;

import io.kvscale.input.BlockWindow;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A tensor, or the half of one, that belongs to a slot.
 *
 * @param begin first byte in the file
 */
public record SlotTensor(Slot slot, KvSource source, String name, long begin) {
    public int valueBytes() {
        return source.geometry().dtype().bytes();
    }

    /** The first value whose first byte is at {@code position} or behind it; at most the number of values. */
    long elementAt(long position) {
        long into = Math.max(0, position - begin);
        return Math.min(source.size(), (into + valueBytes() - 1) / valueBytes());
    }

    public long byteOf(long element) {
        return begin + element * valueBytes();
    }

    /** Reads the values {@code [from, to)} in chunks, ahead up to the byte {@code readEnd}. */
    void read(BlockWindow window, long from, long to, long readEnd, TensorValues.Chunks chunks) throws IOException {
        long element = from;
        while (element < to) {
            ByteBuffer chunk = window.view(byteOf(element), valueBytes(), byteOf(to), readEnd);
            int count = chunk.remaining() / valueBytes();
            chunk.limit(chunk.position() + count * valueBytes());
            chunks.chunk(element, chunk);
            element += count;
        }
    }
}
