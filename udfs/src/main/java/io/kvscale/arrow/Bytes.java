package io.kvscale.arrow;

import java.io.IOException;
import java.nio.ByteBuffer;

/** The bytes of one file, at any position. */
public interface Bytes {
    /** Bytes of the file. */
    long length();

    /**
     * Fills the buffer from its position to its limit.
     *
     * @throws java.io.EOFException if the file ends first
     */
    void read(long position, ByteBuffer into) throws IOException;
}
