package io.kvscale.capture;

import io.kvscale.tensor.KvSource;
import java.nio.ByteBuffer;

/**
 * The values of one row of a table of K and V, where they need not be read into one array: whoever only looks at them
 * once takes them chunk by chunk, straight from the file.
 */
public interface TensorValues {
    /** The tensor that the row is: a batch of one. */
    KvSource source();

    /** Whether a column of the row, by its ordinal, holds these values. */
    boolean isColumn(int ordinal);

    /**
     * Reads every value once.
     *
     * @throws io.kvscale.tensor.InvalidDataException if the file cannot be read
     */
    void forEachChunk(Chunks chunks);

    /** Receives pieces of {@link #source}: a chunk is valid until the call returns. */
    interface Chunks {
        /** @param element row-major index of the chunk's first value in the tensor */
        void chunk(long element, ByteBuffer values);
    }
}
