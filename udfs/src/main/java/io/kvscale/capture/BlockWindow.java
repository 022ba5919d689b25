package io.kvscale.capture;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** One block of a file in memory, moved along as it is read. */
final class BlockWindow {
    private final ByteSource source;
    private final ByteBuffer block;
    private long start;
    private int length;
    private long readBytes;

    BlockWindow(ByteSource source, ByteBuffer block) {
        this.source = source;
        this.block = block;
    }

    /**
     * The bytes from {@code position} on, as many as are in memory, at least {@code least}, none at or behind
     * {@code end}. Positions and limits of the result are of the block: it is valid until the next call.
     *
     * @param readEnd where reading ahead stops; not before {@code position + least}
     */
    ByteBuffer view(long position, int least, long end, long readEnd) throws IOException {
        if (position < start || position + least > start + length) {
            refill(position, readEnd);
        }
        int from = (int) (position - start);
        return block.limit((int) Math.min(length, end - start)).position(from);
    }

    private void refill(long position, long readEnd) throws IOException {
        long from = position / Blocks.ALIGNMENT * Blocks.ALIGNMENT;
        int count = (int) Math.min(block.capacity(), readEnd - from);
        length = 0;
        source.read(from, block.clear().limit(count));
        start = from;
        length = count;
        readBytes += count;
    }

    /** Bytes read from the file so far. */
    long readBytes() {
        return readBytes;
    }

    /** The file from its first byte, for as long as nothing else moves the window. */
    InputStream stream(long fileLength) {
        return new InputStream() {
            private long at;

            @Override
            public int read() throws IOException {
                return at >= fileLength
                        ? -1
                        : view(at++, 1, fileLength, fileLength).get() & 0xff;
            }

            @Override
            public int read(byte[] to, int offset, int count) throws IOException {
                if (count == 0) {
                    return 0;
                }
                if (at >= fileLength) {
                    return -1;
                }
                ByteBuffer bytes = view(at, 1, fileLength, fileLength);
                int n = Math.min(count, bytes.remaining());
                bytes.get(to, offset, n);
                at += n;
                return n;
            }
        };
    }
}
