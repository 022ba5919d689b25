package io.kvscale.input;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** One block of a file in memory, moved along as it is read. */
public final class BlockWindow {
    /** Gaps between ranges that are cheaper to read than to skip, where nearly all is read. */
    public static final long GAP = 64 << 10;

    /** The same where little is. */
    public static final long SMALL_GAP = Blocks.ALIGNMENT;

    private static final int MIN_STEP = 4096;

    private final ByteSource source;
    private final ByteBuffer block;
    private final boolean sparing;
    private long start;
    private int length;
    private long readBytes;

    /** @param sparing whether headers are read in small steps, because what follows them may not be wanted */
    public BlockWindow(ByteSource source, ByteBuffer block, boolean sparing) {
        this.source = source;
        this.block = block;
        this.sparing = sparing;
    }

    /**
     * Where reading ahead stops when ranges of a file are read in turn: each range's own end, or, where the next one
     * begins within {@code gap} behind it, that one's stop.
     */
    public static long[] readEnds(long[] begins, long[] ends, long gap) {
        long[] stops = ends.clone();
        for (int i = ends.length - 2; i >= 0; i--) {
            boolean joins = begins[i + 1] >= ends[i] && begins[i + 1] - ends[i] <= gap;
            stops[i] = joins ? stops[i + 1] : ends[i];
        }
        return stops;
    }

    /**
     * The bytes from {@code position} on, as many as are in memory, at least {@code least}, none at or behind
     * {@code end}. Positions and limits of the result are of the block: it is valid until the next call.
     *
     * @param readEnd where reading ahead stops; not before {@code position + least}
     */
    public ByteBuffer view(long position, int least, long end, long readEnd) throws IOException {
        if (!holds(position, least)) {
            refill(position, readEnd);
        }
        int from = (int) (position - start);
        return block.limit((int) Math.min(length, end - start)).position(from);
    }

    private boolean holds(long position, int count) {
        return position >= start && position + count <= start + length;
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

    /** How far the first read of a header goes. */
    public long headerEnd(long fileLength) {
        return Math.min(fileLength, sparing ? MIN_STEP : Blocks.BYTES);
    }

    /** Bytes read from the file so far. */
    public long readBytes() {
        return readBytes;
    }

    /** The file from its first byte, for as long as nothing else moves the window. */
    public InputStream stream(long fileLength) {
        return new InputStream() {
            private long at;
            private long step = headerEnd(fileLength);

            @Override
            public int read() throws IOException {
                return at >= fileLength ? -1 : ahead(at++).get() & 0xff;
            }

            @Override
            public int read(byte[] to, int offset, int count) throws IOException {
                if (count == 0) {
                    return 0;
                }
                if (at >= fileLength) {
                    return -1;
                }
                ByteBuffer bytes = ahead(at);
                int n = Math.min(count, bytes.remaining());
                bytes.get(to, offset, n);
                at += n;
                return n;
            }

            private ByteBuffer ahead(long position) throws IOException {
                if (!holds(position, 1)) {
                    ByteBuffer bytes = view(position, 1, fileLength, Math.min(fileLength, position + step));
                    step = Math.min(2 * step, Blocks.BYTES);
                    return bytes;
                }
                return view(position, 1, fileLength, fileLength);
            }
        };
    }
}
