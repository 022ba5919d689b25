package io.kvscale.observer.histogram;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Position;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The histograms of a slot, one per head: how often each finite 16-bit pattern occurs. Exact, and mergeable in any order.
 * F32 values are counted as BF16.
 */
public final class SlotCounts {
    private final Geometry geometry;
    private final PackedCounts[] packed;
    private @Nullable LiveCounts[] live = new LiveCounts[0];
    private @Nullable CountTables tables;

    /**
     * Empty histograms.
     *
     * @param tables the counting memory of the task
     */
    public SlotCounts(Geometry geometry, CountTables tables) {
        this(geometry, new PackedCounts[geometry.heads()]);
        Arrays.fill(packed, PackedCounts.EMPTY);
        this.tables = tables;
    }

    private SlotCounts(Geometry geometry, PackedCounts[] packed) {
        this.geometry = geometry;
        this.packed = packed;
    }

    /**
     * The histograms of a file; {@link #check} must be called before they are used.
     *
     * @param heads what {@link #packedBytes} gave, for each head
     */
    public static SlotCounts ofPacked(Geometry geometry, byte[][] heads) {
        return new SlotCounts(
                geometry, Arrays.stream(heads).map(PackedCounts::new).toArray(PackedCounts[]::new));
    }

    /** The dtype whose patterns are counted. */
    private Dtype countedDtype() {
        return geometry.dtype() == Dtype.F32 ? Dtype.BF16 : geometry.dtype();
    }

    /** The rank under which a finite value is counted, from its order key in the slot's dtype. */
    private int rankOf(int key) {
        Dtype dtype = geometry.dtype();
        return PackedCounts.rank(
                dtype == Dtype.F32 ? Dtype.BF16.orderKey(CountTables.toBrain(dtype.bitsOfKey(key))) : key);
    }

    /**
     * Counts the values {@code [from, to)} of a tensor, all of one sample.
     *
     * @param position where {@code chunk} begins in the tensor
     */
    public void update(Position position, ByteBuffer chunk, long from, long to) {
        CountTables with = tables == null ? new CountTables() : tables;
        tables = with;
        int dim = geometry.headDim();
        int bytes = geometry.dtype().bytes();
        long origin = position.element();
        int start = chunk.position();
        position.source().forEachRun(from, to, (element, width, rows, channel) -> {
            int at = start + (int) (element - origin) * bytes;
            for (int head = channel / dim; head * dim < channel + width; head++) {
                int first = Math.max(channel, head * dim);
                int end = Math.min(channel + width, (head + 1) * dim);
                with.count(
                        this,
                        head,
                        chunk,
                        new CountTables.Columns(at + (first - channel) * bytes, end - first, width, rows));
            }
        });
    }

    public Geometry geometry() {
        return geometry;
    }

    /** The live counters of a head; null if it has none. */
    @Nullable
    LiveCounts live(int head) {
        return live.length == 0 ? null : live[head];
    }

    LiveCounts begin(int head) {
        if (live.length == 0) {
            live = new LiveCounts[geometry.heads()];
        }
        LiveCounts fresh = new LiveCounts();
        live[head] = fresh;
        return fresh;
    }

    /** Moves the live counts of a head into the packed form; the counters stay, at zero. */
    void settle(int head) {
        LiveCounts counters = live(head);
        if (counters != null) {
            packed[head] = packed(head);
            counters.clear();
        }
    }

    /** Moves the live counts of a head into the packed form and drops the counters. */
    void release(int head) {
        settle(head);
        live[head] = null;
    }

    /** Packs all heads and so frees their share of the task's counting memory. */
    public void pack() {
        if (tables != null) {
            tables.pack(this);
        }
    }

    private PackedCounts packed(int head) {
        LiveCounts counters = live(head);
        return counters == null ? packed[head] : packed[head].plus(counters.packed(countedDtype()));
    }

    /** The histogram of a head in the encoding of the statistics file. */
    public byte[] packedBytes(int head) {
        return packed(head).bytes;
    }

    /** Empty histograms that count in the same memory. */
    public SlotCounts fresh() {
        return new SlotCounts(geometry, tables == null ? new CountTables() : tables);
    }

    /** An independent copy. */
    public SlotCounts copy() {
        PackedCounts[] all = new PackedCounts[packed.length];
        Arrays.setAll(all, this::packed);
        return new SlotCounts(geometry, all);
    }

    /** @throws ArithmeticException if a count overflows 63 bits */
    public void merge(SlotCounts other) {
        for (int head = 0; head < packed.length; head++) {
            packed[head] = packed[head].plus(other.packed(head));
        }
    }

    /**
     * Checks histograms that a file gave.
     *
     * @param min order key of the minimum of each head; above {@code max} where a head has no finite value
     * @param max order key of the maximum of each head
     * @param finite number of finite values of the slot
     * @throws IllegalArgumentException if the encoding is damaged, or the histograms contradict these figures
     */
    public void check(int[] min, int[] max, long finite) {
        long left = finite;
        for (int head = 0; head < packed.length; head++) {
            PackedCounts.Cursor at = packed[head].cursor();
            boolean any = at.next();
            if (any == (min[head] > max[head])) {
                throw new IllegalArgumentException("the histogram of head " + head + " does not fit its range");
            }
            if (!any) {
                continue;
            }
            int least = at.rank;
            int greatest = least;
            for (; any; any = at.next()) {
                greatest = at.rank;
                if (at.count > left) {
                    throw new IllegalArgumentException("the histograms count more values than the slot has");
                }
                left -= at.count;
            }
            if (least != rankOf(min[head]) || greatest != rankOf(max[head])) {
                throw new IllegalArgumentException(
                        "the histogram of head " + head + " does not end where its range does");
            }
        }
        if (left != 0) {
            throw new IllegalArgumentException("the histograms lack " + left + " finite values of the slot");
        }
    }

    /** The histogram of neighbouring heads together. */
    public ValueCounts values(int firstHead, int heads) {
        long[] sums = new long[PackedCounts.RANKS];
        int distinct = 0;
        for (int head = firstHead; head < firstHead + heads; head++) {
            PackedCounts.Cursor at = packed(head).cursor();
            while (at.next()) {
                distinct += sums[at.rank] == 0 ? 1 : 0;
                sums[at.rank] = Math.addExact(sums[at.rank], at.count);
            }
        }
        Dtype dtype = countedDtype();
        float[] values = new float[distinct];
        long[] counts = new long[distinct];
        int next = 0;
        for (int rank = 0; rank < sums.length; rank++) {
            if (sums[rank] > 0) {
                values[next] = dtype.toFloat(PackedCounts.pattern(rank));
                counts[next++] = sums[rank];
            }
        }
        return new ValueCounts(values, counts, geometry.dtype() != dtype);
    }
}
