package io.kvscale.capture;

import io.kvscale.tensor.KvSource;
import java.nio.ByteBuffer;

/** A table row whose values can be read chunk by chunk from its file, instead of as one array. */
public interface TensorValues {
    /** The tensor of the row: a batch of one. */
    KvSource source();

    /** Whether the column with this ordinal holds the values. */
    boolean isColumn(int ordinal);

    /**
     * Reads every value once.
     *
     * @throws io.kvscale.tensor.InvalidDataException if the file cannot be read
     */
    void forEachChunk(Chunks chunks);

    /** Receives chunks of {@link #source}; a chunk is valid until the call returns. */
    interface Chunks {
        /** @param element row-major index of the chunk's first value in the tensor */
        void chunk(long element, ByteBuffer values);
    }
}
