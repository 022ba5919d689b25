package io.kvscale.input;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The buffers of one task: one block of memory for local files, one for streams, each made when first needed. */
public final class Blocks {
    /** How much is read at once; small enough that a block is still in the core's cache when it is folded. */
    public static final int BYTES = 1 << 20;

    /** Reads begin at multiples of this in the file, and direct blocks in memory: copies are fastest then. */
    static final int ALIGNMENT = 4096;

    private ByteBuffer direct = ByteBuffer.allocate(0);
    private ByteBuffer heap = ByteBuffer.allocate(0);

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
