package io.kvscale.input;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** A window on a file: one block in memory that moves as the file is read. */
public final class BlockWindow {
    /** Gaps up to this size are cheaper to read than to skip, when most of the file is read. */
    public static final long GAP = 64 << 10;

    /** As {@link #GAP}, when little of the file is read. */
    public static final long SMALL_GAP = Blocks.ALIGNMENT;

    private static final int MIN_STEP = 4096;

    private final ByteSource source;
    private final ByteBuffer block;
    private final boolean sparing;
    private long start;
    private int length;
    private long readBytes;
    private long readNanos;

    /** @param sparing whether headers are read in small steps, because the values after them may not be wanted */
    public BlockWindow(ByteSource source, ByteBuffer block, boolean sparing) {
        this.source = source;
        this.block = block;
        this.sparing = sparing;
    }

    /**
     * The positions at which reading ahead stops, one per range, when ranges of a file are read in order. Ranges that
     * are at most {@code gap} bytes apart are read ahead together.
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
     * The bytes in memory from {@code position} up to {@code end}, at least {@code least}. The result is the block
     * itself, from position to limit, and valid until the next call.
     *
     * @param readEnd where reading ahead stops; at least {@code position + least}
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

    /** Keeps what is in memory already: HDFS opens a new connection for each step back. */
    private void refill(long position, long readEnd) throws IOException {
        long from = position / Blocks.ALIGNMENT * Blocks.ALIGNMENT;
        int count = (int) Math.min(block.capacity(), readEnd - from);
        int kept = from < start ? 0 : (int) Math.max(0, Math.min(count, start + length - from));
        if (kept > 0) {
            int at = (int) (from - start);
            block.limit(at + kept).position(at).compact();
        }
        length = 0;
        long begin = System.nanoTime();
        source.read(from + kept, block.limit(count).position(kept));
        readNanos += System.nanoTime() - begin;
        start = from;
        length = count;
        readBytes += count - kept;
    }

    /** Where the first read of a header ends. */
    public long headerEnd(long fileLength) {
        return Math.min(fileLength, sparing ? MIN_STEP : Blocks.BYTES);
    }

    /** Bytes read from the file so far. */
    public long readBytes() {
        return readBytes;
    }

    /** Nanoseconds that these reads took. */
    public long readNanos() {
        return readNanos;
    }

    /** The file as a stream from its first byte; valid while nothing else moves the window. */
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
