package io.kvscale.observer.histogram;

import io.kvscale.numeric.Dtype;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The mutable counters of one head, in pages of 256 neighbouring patterns. A page is allocated when its first value is
 * seen: K or V of a model takes about 25 of the 256 pages in BF16.
 *
 * <p>NaN and infinities are counted like other patterns, because testing for them costs more than counting them.
 * {@link #packed} leaves them out.
 */
final class LiveCounts {
    private static final int PAGES = 256;
    private static final int PAGE = PackedCounts.RANKS / PAGES;
    private static final int FIRST_PAGES = 2;
    private static final int FIXED_BYTES = 2 * PAGES + 128;
    private static final int[] ZEROS = new int[PAGE];
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private final short[] pages = new short[PAGES];
    private int[] counters = new int[FIRST_PAGES * PAGE];
    private int used;
    private long counted;

    LiveCounts() {
        Arrays.fill(pages, (short) -1);
    }

    /** Number of values counted since the counters were zero; an upper bound of every counter. */
    long counted() {
        return counted;
    }

    /** Counts the first {@code values} 16-bit patterns of a block; meant for short runs. */
    void count(byte[] block, int values) {
        counted += values;
        int[] to = counters;
        int i = 0;
        for (; i <= values - 4; i += 4) {
            long four = (long) LONGS.get(block, 2 * i);
            int a = (int) four & 0xffff;
            int b = (int) (four >>> 16) & 0xffff;
            int c = (int) (four >>> 32) & 0xffff;
            int d = (int) (four >>> 48);
            int pageA = pages[a >>> 8];
            int pageB = pages[b >>> 8];
            int pageC = pages[c >>> 8];
            int pageD = pages[d >>> 8];
            if ((pageA | pageB | pageC | pageD) < 0) {
                pageA = page(a >>> 8);
                pageB = page(b >>> 8);
                pageC = page(c >>> 8);
                pageD = page(d >>> 8);
                to = counters;
            }
            to[pageA * PAGE + (a & 0xff)]++;
            to[pageB * PAGE + (b & 0xff)]++;
            to[pageC * PAGE + (c & 0xff)]++;
            to[pageD * PAGE + (d & 0xff)]++;
        }
        for (; i < values; i++) {
            int a = (short) SHORTS.get(block, 2 * i) & 0xffff;
            int page = page(a >>> 8);
            counters[page * PAGE + (a & 0xff)]++;
        }
    }

    /**
     * Counts patterns into a table with one counter per pattern. This is several times as fast as {@link #count}, but the
     * table must then be {@linkplain #add added}. The loop takes eight patterns at a time and masks the indices, so that
     * no bounds check remains and a core stores one counter per cycle.
     */
    static void countDense(byte[] block, int values, int[] dense) {
        int i = 0;
        for (; i <= values - 8; i += 8) {
            long first = (long) LONGS.get(block, 2 * i);
            long second = (long) LONGS.get(block, 2 * i + Long.BYTES);
            dense[(int) first & (dense.length - 1)]++;
            dense[(int) (first >>> 16) & (dense.length - 1)]++;
            dense[(int) (first >>> 32) & (dense.length - 1)]++;
            dense[(int) (first >>> 48) & (dense.length - 1)]++;
            dense[(int) second & (dense.length - 1)]++;
            dense[(int) (second >>> 16) & (dense.length - 1)]++;
            dense[(int) (second >>> 32) & (dense.length - 1)]++;
            dense[(int) (second >>> 48) & (dense.length - 1)]++;
        }
        for (; i < values; i++) {
            dense[(short) SHORTS.get(block, 2 * i) & 0xffff]++;
        }
    }

    /** Adds the counts of a dense table and sets the table to zero. */
    void add(int[] dense, long values) {
        counted += values;
        long left = values;
        for (int p = 0; p < PAGES; p++) {
            if (pages[p] >= 0) {
                left -= move(dense, p);
            }
        }
        for (int p = 0; left > 0; p++) {
            int from = p * PAGE;
            if (Arrays.mismatch(dense, from, from + PAGE, ZEROS, 0, PAGE) >= 0) {
                page(p);
                left -= move(dense, p);
            }
        }
    }

    private int move(int[] dense, int page) {
        int from = page * PAGE;
        int to = pages[page] * PAGE;
        int[] into = counters;
        int moved = 0;
        for (int i = 0; i < PAGE; i++) {
            int count = dense[from + i];
            into[to + i] += count;
            dense[from + i] = 0;
            moved += count;
        }
        return moved;
    }

    private int page(int page) {
        if (pages[page] < 0) {
            if ((used + 1) * PAGE > counters.length) {
                counters = Arrays.copyOf(counters, Math.min(PAGES, used + used / 2 + 1) * PAGE);
            }
            pages[page] = (short) used++;
        }
        return pages[page];
    }

    /** The counts of the finite patterns. */
    PackedCounts packed(Dtype dtype) {
        PackedCounts.Builder packed = new PackedCounts.Builder(1024);
        int end = PackedCounts.rank(dtype.infinityKey());
        for (int rank = PackedCounts.rank(dtype.negativeInfinityKey()) + 1; rank < end; rank++) {
            int pattern = PackedCounts.pattern(rank);
            int page = pages[pattern >>> 8];
            if (page < 0) {
                rank |= PAGE - 1; // skip to the last rank of the page
                continue;
            }
            int count = counters[page * PAGE + (pattern & 0xff)];
            if (count > 0) {
                packed.add(rank, count);
            }
        }
        return packed.packed();
    }

    /** Sets all counters to zero; the pages stay allocated. */
    void clear() {
        Arrays.fill(counters, 0);
        counted = 0;
    }

    /** Heap bytes that the counters take. */
    long sizeInBytes() {
        return FIXED_BYTES + 4L * counters.length;
    }
}
