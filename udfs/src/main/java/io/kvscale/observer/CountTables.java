package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The memory in which all slots of one task count, and its bound. Not thread-safe: every task owns one.
 *
 * <p>A run of many values of one head is counted in one dense table, which is then added to the counters of that head;
 * few values go to those directly. Counters beyond the bound are packed: not those unused for longest, but those begun
 * last, because files visit the slots in the same order again and again.
 */
public final class CountTables {
    /** What the counters of a task may take of the heap. */
    private static final long BOUND = 64L << 20;

    /** From so many values on the dense table is faster, though it has to be added up. */
    private static final int DENSE_FROM = 1 << 10;

    /** Small enough to stay in the core's first cache beside the counters in use. */
    private static final int BLOCK_VALUES = 1 << 12;

    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private final long bound;
    private final long limit;
    private final Deque<Live> live = new ArrayDeque<>();
    private long bytes;
    private int[] dense = new int[0];
    private byte[] block = new byte[0];
    private byte[] wide = new byte[0];

    private record Live(SlotCounts slot, int head, LiveCounts counters) {}

    /** Columns of rows: {@code count} values of each of {@code rows} rows, which are {@code stride} values apart. */
    record Columns(int offset, int count, int stride, int rows) {}

    public CountTables() {
        this(BOUND);
    }

    /** @param bound in bytes; the head that counts right now may go beyond it */
    CountTables(long bound) {
        this(bound, Integer.MAX_VALUE);
    }

    /** @param limit of the values that the counters of a head take before they are packed: what 32 bits hold, but in tests */
    CountTables(long bound, long limit) {
        this.bound = bound;
        this.limit = limit;
    }

    /** What the counters take of the heap now. */
    long liveBytes() {
        return bytes;
    }

    /** Counts values of one head of a slot. */
    void count(SlotCounts slot, int head, ByteBuffer values, Columns columns) {
        long size = (long) columns.count() * columns.rows();
        LiveCounts present = slot.live(head);
        long before = present == null ? 0 : present.sizeInBytes();
        LiveCounts counters = present == null ? slot.begin(head) : present;
        if (present == null) {
            live.addLast(new Live(slot, head, counters));
        }
        if (counters.counted() + size > limit) {
            slot.settle(head);
        }
        Dtype dtype = slot.geometry().dtype();
        if (size >= DENSE_FROM) {
            dense = dense.length == 0 ? new int[PackedCounts.RANKS] : dense;
            forEachBlock(dtype, values, columns, count -> LiveCounts.countDense(block, count, dense));
            counters.add(dense, size);
        } else {
            forEachBlock(dtype, values, columns, count -> counters.count(block, count));
        }
        bytes += counters.sizeInBytes() - before;
        pack(counters);
    }

    /** Packs all counters of a slot. */
    void pack(SlotCounts slot) {
        live.removeIf(one -> {
            if (one.slot() == slot) {
                bytes -= one.counters().sizeInBytes();
                slot.release(one.head());
            }
            return one.slot() == slot;
        });
    }

    /** Packs counters until the bound holds, but for those in use. */
    private void pack(LiveCounts inUse) {
        while (bytes > bound && live.size() > 1) {
            Live last = live.removeLast();
            if (last.counters() == inUse) {
                Live other = live.removeLast();
                live.addLast(last);
                last = other;
            }
            bytes -= last.counters().sizeInBytes();
            last.slot().release(last.head());
        }
    }

    private interface Blocks {
        /** @param count how many patterns the block begins with */
        void block(int count);
    }

    /** Brings the patterns of the columns into the block, part by part. */
    private void forEachBlock(Dtype dtype, ByteBuffer values, Columns columns, Blocks then) {
        int size = dtype.bytes();
        byte[] to = buffer(size);
        boolean oneRun = columns.count() == columns.stride();
        int rows = oneRun ? 1 : columns.rows();
        int count = oneRun ? columns.count() * columns.rows() : columns.count();
        int filled = 0;
        for (int row = 0; row < rows; row++) {
            int offset = columns.offset() + row * columns.stride() * size;
            for (int done = 0; done < count; ) {
                int part = Math.min(count - done, BLOCK_VALUES - filled);
                values.get(offset + done * size, to, filled * size, part * size);
                done += part;
                filled += part;
                if (filled == BLOCK_VALUES || (done == count && row == rows - 1)) {
                    if (size > Short.BYTES) {
                        round(filled);
                    }
                    then.block(filled);
                    filled = 0;
                }
            }
        }
    }

    private byte[] buffer(int valueBytes) {
        if (block.length == 0) {
            block = new byte[Short.BYTES * BLOCK_VALUES];
        }
        if (valueBytes == Short.BYTES) {
            return block;
        }
        if (wide.length == 0) {
            wide = new byte[Integer.BYTES * BLOCK_VALUES];
        }
        return wide;
    }

    private void round(int count) {
        for (int i = 0; i < count; i++) {
            SHORTS.set(block, Short.BYTES * i, (short) toBrain((int) INTS.get(wide, Integer.BYTES * i)));
        }
    }

    /**
     * The BF16 pattern under which an F32 pattern is counted: the nearest, ties to even. What would round to an infinity
     * is the greatest finite number of its sign, so that all finite values are counted as such; NaN and infinities give
     * an infinity.
     */
    static int toBrain(int bits) {
        int magnitude = bits & 0x7fffffff;
        int rounded = (magnitude + 0x7fff + ((magnitude >>> 16) & 1)) >>> 16;
        int finite = Math.min(rounded, Dtype.BF16.infinityKey() - 1);
        return (bits >>> 16 & 0x8000) | (magnitude < Dtype.F32.infinityKey() ? finite : Dtype.BF16.infinityKey());
    }
}
