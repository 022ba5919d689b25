package io.kvscale.capture;

import io.kvscale.input.BlockWindow;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Slot;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A tensor of one slot, or the half of a tensor that holds both K and V.
 *
 * @param begin position of the first byte in the file
 */
public record SlotTensor(Slot slot, KvSource source, String name, long begin) {
    /** Bytes of one value. */
    public int valueBytes() {
        return source.geometry().dtype().bytes();
    }

    /** Bytes of the values of a head of one token. Chunks hold whole heads, for what looks at channels together. */
    private int headBytes() {
        return source.geometry().headDim() * valueBytes();
    }

    /** The index of the first value of the first head that begins at or after {@code position}; at most the number of values. */
    long elementAt(long position) {
        long into = Math.max(0, position - begin);
        return Math.min(
                source.size(),
                (into + headBytes() - 1) / headBytes() * source.geometry().headDim());
    }

    /** The file position of a value. */
    public long byteOf(long element) {
        return begin + element * valueBytes();
    }

    /** Reads the values {@code [from, to)} in chunks, of whole heads if {@code from} and {@code to} are; reading ahead stops at the file position {@code readEnd}. */
    void read(BlockWindow window, long from, long to, long readEnd, TensorValues.Chunks chunks) throws IOException {
        long element = from;
        while (element < to) {
            int least = (int) Math.min(headBytes(), byteOf(to) - byteOf(element));
            ByteBuffer chunk = window.view(byteOf(element), least, byteOf(to), readEnd);
            int values = chunk.remaining() / valueBytes();
            int headDim = source.geometry().headDim();
            int count = values > headDim ? values / headDim * headDim : values;
            chunk.limit(chunk.position() + count * valueBytes());
            chunks.chunk(element, chunk);
            element += count;
        }
    }
}
