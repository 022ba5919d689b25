package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Position;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** How often every finite pattern of 16 bits occurs in every head of a slot: exact, and merged in any order. */
final class SlotCounts {
    private final Geometry geometry;
    private final PackedCounts[] packed;
    private @Nullable LiveCounts[] live = new LiveCounts[0];
    private @Nullable CountTables tables;

    /**
     * Nothing counted.
     *
     * @param tables those of the task
     */
    SlotCounts(Geometry geometry, CountTables tables) {
        this(geometry, new PackedCounts[geometry.heads()]);
        Arrays.fill(packed, PackedCounts.EMPTY);
        this.tables = tables;
    }

    /** @param packed one for every head */
    SlotCounts(Geometry geometry, PackedCounts[] packed) {
        this.geometry = geometry;
        this.packed = packed;
    }

    /** The type whose patterns are counted: values of 32 bits are rounded to it. */
    static Dtype counted(Dtype dtype) {
        return dtype == Dtype.F32 ? Dtype.BF16 : dtype;
    }

    /** The rank under which a finite value of the slot is counted, by its own order key. */
    static int rankOf(Dtype dtype, int key) {
        if (dtype != Dtype.F32) {
            return PackedCounts.rank(key);
        }
        return PackedCounts.rank(Dtype.BF16.orderKey(CountTables.toBrain(dtype.bitsOfKey(key))));
    }

    /** Counts the values {@code [from, to)} of the tensor, all of one sample, of a chunk that begins at {@code position}. */
    void update(Position position, ByteBuffer chunk, long from, long to) {
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

    Geometry geometry() {
        return geometry;
    }

    /** The counters of a head that now counts; null where it does not. */
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

    /** Moves what the live counters hold into the packed form; they stay, at zero. */
    void settle(int head) {
        LiveCounts counters = live(head);
        if (counters != null) {
            packed[head] = packed(head);
            counters.clear();
        }
    }

    /** Moves what the live counters hold into the packed form and lets go of them. */
    void release(int head) {
        settle(head);
        live[head] = null;
    }

    /** Packs all heads. */
    void pack() {
        if (tables != null) {
            tables.pack(this);
        }
    }

    /** All that was counted of a head. */
    PackedCounts packed(int head) {
        LiveCounts counters = live(head);
        return counters == null ? packed[head] : packed[head].plus(counters.packed(counted(geometry.dtype())));
    }

    /** The same counts apart from these: neither changes with the other. */
    SlotCounts copy() {
        PackedCounts[] all = new PackedCounts[packed.length];
        Arrays.setAll(all, this::packed);
        return new SlotCounts(geometry, all);
    }

    /** @throws ArithmeticException if a count overflows */
    void merge(SlotCounts other) {
        for (int head = 0; head < packed.length; head++) {
            packed[head] = packed[head].plus(other.packed(head));
        }
    }

    /** @throws IllegalArgumentException if ranges and number of finite values are not of the same data */
    void check(ChannelRanges ranges, long finite) {
        ChannelRanges heads = ranges.reduced(geometry.headDim());
        long left = finite;
        for (int head = 0; head < packed.length; head++) {
            PackedCounts.Cursor at = packed[head].cursor();
            boolean any = at.next();
            if (any == heads.isEmpty(head)) {
                throw new IllegalArgumentException("the counts of head " + head + " do not fit its ranges");
            }
            if (!any) {
                continue;
            }
            int least = at.rank;
            int greatest = least;
            for (; any; any = at.next()) {
                greatest = at.rank;
                if (at.count > left) {
                    throw new IllegalArgumentException("more values are counted than there are finite ones");
                }
                left -= at.count;
            }
            if (least != rankOf(geometry.dtype(), heads.min[head])
                    || greatest != rankOf(geometry.dtype(), heads.max[head])) {
                throw new IllegalArgumentException(
                        "the values counted of head " + head + " do not end where its ranges do");
            }
        }
        if (left != 0) {
            throw new IllegalArgumentException(left + " finite values are not counted");
        }
    }

    /** The counts of neighbouring heads together. */
    ValueCounts values(int firstHead, int heads) {
        long[] sums = new long[PackedCounts.RANKS];
        int distinct = 0;
        for (int head = firstHead; head < firstHead + heads; head++) {
            PackedCounts.Cursor at = packed(head).cursor();
            while (at.next()) {
                distinct += sums[at.rank] == 0 ? 1 : 0;
                sums[at.rank] = Math.addExact(sums[at.rank], at.count);
            }
        }
        Dtype dtype = counted(geometry.dtype());
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
