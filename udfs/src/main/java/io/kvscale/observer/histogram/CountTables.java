package io.kvscale.observer.histogram;

import io.kvscale.numeric.Dtype;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntConsumer;

/**
 * The counting memory of one task: all slots of the task count here, within one bound. Not thread-safe.
 *
 * <p>A long run of values of one head is counted in a dense table, which is then added to the counters of the head. A
 * short run goes to the counters directly. When the counters exceed the bound, the newest are packed first. Evicting the
 * least recently used would fail here, because every file visits the slots in the same order.
 */
public final class CountTables {
    /** Heap bytes that the counters of a task may take. */
    private static final long BOUND = 64L << 20;

    /** The dense table is faster for runs of at least this many values, the addition included. */
    private static final int DENSE_FROM = 1 << 10;

    /** Chosen so that a block and the counters in use fit into the L1 cache. */
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

    /** Some columns of a matrix: {@code count} values of each of {@code rows} rows, {@code stride} values apart. */
    record Columns(int offset, int count, int stride, int rows) {}

    public CountTables() {
        this(BOUND, Integer.MAX_VALUE);
    }

    /**
     * For tests.
     *
     * @param bound in bytes; the head that is being counted may exceed it
     * @param limit values that the counters of a head take before they are packed
     */
    CountTables(long bound, long limit) {
        this.bound = bound;
        this.limit = limit;
    }

    /** Heap bytes that the counters take now. */
    public long liveBytes() {
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

    /** Packs counters, except those in use, until they fit into the bound. */
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

    /** Fills the block with 16-bit patterns of the columns until all are done; each time passes on how many it holds. */
    private void forEachBlock(Dtype dtype, ByteBuffer values, Columns columns, IntConsumer then) {
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
                    then.accept(filled);
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
     * The BF16 pattern under which an F32 pattern is counted: the nearest, ties to even. A finite value that would round
     * to an infinity becomes the largest finite value of its sign, so that every finite value is counted. NaN and
     * infinities become an infinity.
     */
    static int toBrain(int bits) {
        int magnitude = bits & 0x7fffffff;
        int rounded = (magnitude + 0x7fff + ((magnitude >>> 16) & 1)) >>> 16;
        int finite = Math.min(rounded, Dtype.BF16.infinityKey() - 1);
        return (bits >>> 16 & 0x8000) | (magnitude < Dtype.F32.infinityKey() ? finite : Dtype.BF16.infinityKey());
    }
}
