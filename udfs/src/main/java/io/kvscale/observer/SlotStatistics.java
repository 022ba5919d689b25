package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Sample;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is known of all values of one slot: a commutative monoid under {@link #merge}.
 *
 * <p>Minimum and maximum per (head, channel) in the data's own bit patterns, counts, and the samples that gave the
 * extremes. Queries never change it. Not thread-safe.
 */
public final class SlotStatistics {
    private final Geometry geometry;
    final ChannelRanges ranges;
    final @Nullable BatchRanges batches;

    /** Null where values are not counted. */
    @Nullable
    SlotCounts values;

    long finite;
    long nan;
    long infinite;
    long tokens;
    long samples;

    @Nullable
    Origin first;

    @Nullable
    Origin firstNonFinite;

    Extreme min;
    Extreme max;
    private @Nullable RunFold fold;

    /** The slot's extreme value, as an order key, and the first sample that reached it. */
    record Extreme(int key, @Nullable Sample sample) {
        /** Whether this comes before another of the same key. */
        boolean isBefore(Extreme other) {
            return sample == null || (other.sample != null && sample.compareTo(other.sample) < 0);
        }

        Extreme least(Extreme other) {
            return key < other.key || (key == other.key && isBefore(other)) ? this : other;
        }

        Extreme greatest(Extreme other) {
            return key > other.key || (key == other.key && isBefore(other)) ? this : other;
        }
    }

    /** What the statistics file says of a slot beside its ranges. */
    record Counts(
            long finite,
            long nan,
            long infinite,
            long tokens,
            long samples,
            @Nullable Sample minSample,
            @Nullable Sample maxSample,
            @Nullable Origin first,
            @Nullable Origin firstNonFinite) {
        static final Counts NONE = new Counts(0, 0, 0, 0, 0, null, null, null, null);
    }

    /**
     * The identity: no values, no range; values are not counted.
     *
     * @param keep which single batches are kept beside the whole; null for none
     */
    public SlotStatistics(Geometry geometry, @Nullable BatchPolicy keep) {
        this(geometry, keep, StatisticsKind.RANGE);
    }

    /** The identity. @param kind whether values are counted, in tables of the slot's own */
    public SlotStatistics(Geometry geometry, @Nullable BatchPolicy keep, StatisticsKind kind) {
        this(geometry, keep, kind.tables());
    }

    /**
     * The identity.
     *
     * @param tables where values are counted, as those of the task's other slots are; null to count none
     */
    public SlotStatistics(Geometry geometry, @Nullable BatchPolicy keep, @Nullable CountTables tables) {
        this(
                geometry,
                new ChannelRanges(geometry.dtype(), geometry.channels()),
                keep == null ? null : new BatchRanges(keep),
                tables == null ? null : new SlotCounts(geometry, tables),
                Counts.NONE);
    }

    SlotStatistics(
            Geometry geometry,
            ChannelRanges ranges,
            @Nullable BatchRanges batches,
            @Nullable SlotCounts values,
            Counts counts) {
        this.geometry = geometry;
        this.ranges = ranges;
        this.batches = batches;
        this.values = values;
        this.finite = counts.finite;
        this.nan = counts.nan;
        this.infinite = counts.infinite;
        this.tokens = counts.tokens;
        this.samples = counts.samples;
        this.first = counts.first;
        this.firstNonFinite = counts.firstNonFinite;
        ChannelRanges all = ranges.reduced(ranges.min.length);
        if (all.isEmpty(0) != (finite == 0)) {
            throw new IllegalArgumentException(finite + " finite values do not fit the ranges");
        }
        if ((firstNonFinite == null) != (nan == 0 && infinite == 0)) {
            throw new IllegalArgumentException("counts of NaN and infinities do not fit where they were first seen");
        }
        if (batches != null && !batches.isWithin(ranges)) {
            throw new IllegalArgumentException("the range of a batch is wider than that of all values");
        }
        if (values != null) {
            values.check(ranges, finite);
        }
        this.min = new Extreme(all.min[0], counts.minSample);
        this.max = new Extreme(all.max[0], counts.maxSample);
    }

    /**
     * Folds a piece of a tensor in. Padding is left out, NaN and infinities are counted and kept out of every range.
     *
     * @param chunk little-endian values from its position to its limit; direct or on the heap; may begin anywhere
     * @throws IllegalArgumentException if the tensor's geometry is not the slot's
     * @throws ArithmeticException if a count overflows 63 bits; these statistics are of no use then
     */
    public void update(Position position, ByteBuffer chunk) {
        KvSource source = position.source();
        if (!source.geometry().equals(geometry)) {
            throw new IllegalArgumentException("expected " + geometry + ", got " + source.geometry());
        }
        if (position.element() == 0) {
            tokens = Math.addExact(tokens, source.realTokens());
            samples = Math.addExact(samples, source.samples());
        }
        if (fold == null) {
            fold = new RunFold(geometry);
        }
        long rowSize = source.sizeOfRow();
        long element = position.element();
        long end = element + chunk.remaining() / geometry.dtype().bytes();
        while (element < end) {
            int row = (int) (element / rowSize);
            long stop = Math.min(end, (row + 1) * rowSize);
            fold.fold(position, chunk, element, stop);
            take(fold, source, source.origin(row));
            if (values != null && fold.finite() > 0) {
                values.update(position, chunk, element, stop);
            }
            element = stop;
        }
    }

    private void take(RunFold piece, KvSource source, Origin origin) {
        first = Origin.first(first, origin);
        finite = Math.addExact(finite, piece.finite());
        nan = Math.addExact(nan, piece.nan());
        infinite = Math.addExact(infinite, piece.infinite());
        if (piece.nan() + piece.infinite() > 0) {
            firstNonFinite = Origin.first(firstNonFinite, origin);
        }
        if (piece.finite() > 0) {
            ChannelRanges seen = piece.ranges();
            ranges.merge(seen);
            min = min.least(new Extreme(piece.least(), origin.sample()));
            max = max.greatest(new Extreme(piece.greatest(), origin.sample()));
            if (batches != null) {
                batches.update(
                        new BatchKey(source.file(), source.offset()), seen.reduced(batches.policy.channelsPerScale()));
            }
        }
    }

    /**
     * Adds what another part of the same corpus gave, which stays as it is.
     *
     * <p>Of a state that holds values, either all are counted or none: a histogram of a part would pass for that of the
     * whole, and to drop it would lose without a word what the recipe asked for. So one kind does not merge with the
     * other. A state without finite values has the same histogram whether it was asked to count or not, and merges with
     * either; the sum counts if the one that holds values does, and if none does, if any was asked to.
     *
     * @throws IllegalArgumentException if the geometries or the kept batches differ, or values were counted in one of
     *     them only
     * @throws ArithmeticException if a count overflows 63 bits; these statistics are of no use then
     */
    public void merge(SlotStatistics other) {
        if (!geometry.equals(other.geometry) || (batches == null) != (other.batches == null)) {
            throw new IllegalArgumentException("statistics of " + geometry + " cannot merge with " + other.geometry);
        }
        if (!countsLike(other)) {
            throw new IllegalArgumentException("statistics with histograms cannot merge with statistics of ranges only:"
                    + " calibrate both with the same kvscale.statistics");
        }
        values = mergedValues(other);
        ranges.merge(other.ranges);
        if (batches != null && other.batches != null) {
            batches.merge(other.batches);
        }
        finite = Math.addExact(finite, other.finite);
        nan = Math.addExact(nan, other.nan);
        infinite = Math.addExact(infinite, other.infinite);
        tokens = Math.addExact(tokens, other.tokens);
        samples = Math.addExact(samples, other.samples);
        first = Origin.first(first, other.first);
        firstNonFinite = Origin.first(firstNonFinite, other.firstNonFinite);
        min = min.least(other.min);
        max = max.greatest(other.max);
    }

    /** Whether {@link #merge} takes the other, as far as counted values go. */
    public boolean countsLike(SlotStatistics other) {
        return isEmpty() || other.isEmpty() || hasCounts() == other.hasCounts();
    }

    void pack() {
        if (values != null) {
            values.pack();
        }
    }

    private @Nullable SlotCounts mergedValues(SlotStatistics other) {
        SlotCounts added = other.values;
        if (values == null) {
            return isEmpty() && added != null ? added.copy() : null;
        }
        if (added == null) {
            return other.isEmpty() ? values : null;
        }
        values.merge(added);
        return values;
    }

    public Geometry geometry() {
        return geometry;
    }

    /** Finite values observed, padding left out. */
    public long finite() {
        return finite;
    }

    public long nan() {
        return nan;
    }

    /** Infinities of either sign. */
    public long infinite() {
        return infinite;
    }

    /** Real tokens of all tensors. */
    public long tokens() {
        return tokens;
    }

    /** Rows of all batches. */
    public long samples() {
        return samples;
    }

    public boolean isEmpty() {
        return finite == 0;
    }

    /** The least finite value; +Inf where there is none. */
    public float min() {
        return number(min.key());
    }

    /** The greatest finite value; -Inf where there is none. */
    public float max() {
        return number(max.key());
    }

    /** The first sample that holds the least value. */
    public @Nullable Sample minSample() {
        return min.sample();
    }

    /** The first sample that holds the greatest value. */
    public @Nullable Sample maxSample() {
        return max.sample();
    }

    /** The first sample and file that held values of this slot. */
    public @Nullable Origin first() {
        return first;
    }

    /** The first sample and file that held a NaN or an infinity. */
    public @Nullable Origin firstNonFinite() {
        return firstNonFinite;
    }

    /** Which single batches are kept, or null. */
    public @Nullable BatchPolicy batchPolicy() {
        return batches == null ? null : batches.policy;
    }

    /** Whether values are counted: {@link #counts}. */
    public boolean hasCounts() {
        return values != null;
    }

    /** Bytes that the counts of all heads take in the statistics file; 0 where only ranges were kept. */
    public long sizeOfCounts() {
        long size = 0;
        for (int head = 0; values != null && head < geometry.heads(); head++) {
            size += values.packed(head).bytes.length;
        }
        return size;
    }

    /**
     * How often each value occurs in neighbouring heads together; null where only ranges were kept.
     *
     * @throws IndexOutOfBoundsException if there are no such heads
     */
    public @Nullable ValueCounts counts(int firstHead, int heads) {
        Objects.checkFromIndexSize(firstHead, heads, geometry.heads());
        return values == null ? null : values.values(firstHead, heads);
    }

    /** The ranges over everything, one per run of {@code channelsPerScale} channels; see {@link Range#isEmpty}. */
    public Range[] ranges(int channelsPerScale) {
        return Range.all(ranges.reduced(channelsPerScale));
    }

    /** Gives the ranges of the kept batches, in the order of the corpus. */
    public void forEachBatch(Consumer<Range[]> consumer) {
        if (batches != null) {
            batches.ranges.values().forEach(batch -> consumer.accept(Range.all(batch)));
        }
    }

    private float number(int key) {
        Dtype dtype = geometry.dtype();
        return dtype.toFloat(dtype.bitsOfKey(key));
    }
}
