package io.kvscale.input;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The buffers of one task: a direct one for local files, a heap one for streams, each allocated on first use. */
public final class Blocks {
    /** Bytes of a block: with what it is read from, it fits in a second-level cache of 1 MB until its values are observed. */
    public static final int BYTES = 1 << 19;

    /** Reads begin at multiples of this in the file, direct blocks in memory: aligned copies are fastest. */
    static final int ALIGNMENT = 4096;

    private ByteBuffer direct = ByteBuffer.allocate(0);
    private ByteBuffer heap = ByteBuffer.allocate(0);

    /** The buffer to read this source with, little endian; shared by all sources of its kind. */
    public ByteBuffer blockFor(ByteSource source) {
        if (source.prefersDirect()) {
            if (direct.capacity() == 0) {
                direct = ByteBuffer.allocateDirect(BYTES + ALIGNMENT)
                        .alignedSlice(ALIGNMENT)
                        .slice(0, BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
            }
            return direct;
        }
        if (heap.capacity() == 0) {
            heap = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        }
        return heap;
    }
}
