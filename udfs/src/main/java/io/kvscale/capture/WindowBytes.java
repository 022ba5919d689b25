package io.kvscale.capture;

import io.kvscale.arrow.Bytes;
import io.kvscale.input.BlockWindow;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Reads Arrow metadata through the window that also reads the values: a few kilobytes at a time, not whole blocks. */
record WindowBytes(BlockWindow window, long length) implements Bytes {
    /** About the size of the metadata and small columns of a record batch. */
    private static final int AHEAD = 8 << 10;

    @Override
    public void read(long position, ByteBuffer into) throws IOException {
        if (into.remaining() > length - position) {
            throw new EOFException("end of file at byte " + length);
        }
        long at = position;
        while (into.hasRemaining()) {
            int wanted = into.remaining();
            long readEnd = Math.min(length, at + Math.max(wanted, AHEAD));
            ByteBuffer bytes = window.view(at, 1, length, readEnd);
            int count = Math.min(wanted, bytes.remaining());
            into.put(bytes.limit(bytes.position() + count));
            at += count;
        }
    }
}
