package io.kvscale.arrow;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Random access to the bytes of one file. */
public interface Bytes {
    /** Length of the file. */
    long length();

    /**
     * Fills the buffer from its position to its limit.
     *
     * @throws java.io.EOFException if the file ends first
     */
    void read(long position, ByteBuffer into) throws IOException;
}
