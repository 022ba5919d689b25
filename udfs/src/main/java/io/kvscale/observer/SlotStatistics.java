package io.kvscale.observer;

import io.kvscale.numeric.Dtype;
import io.kvscale.observer.histogram.CountTables;
import io.kvscale.observer.histogram.SlotCounts;
import io.kvscale.observer.histogram.ValueCounts;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.Origin;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Sample;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The statistics of all values of one slot: minimum and maximum per (head, channel), counts, the samples that hold the
 * extremes, and optionally the ranges of single batches, a histogram per head, and the norms of RoPE pairs. A commutative
 * monoid under {@link #merge}. Queries never change it. Not thread-safe.
 */
public final class SlotStatistics {
    private final Geometry geometry;
    final ChannelRanges ranges;
    final @Nullable BatchRanges batches;

    @Nullable
    SlotCounts histograms;

    @Nullable
    PairNorms norms;

    private SlotTotals totals;
    private Extreme min;
    private Extreme max;
    private @Nullable RunFold fold;

    /**
     * Empty statistics, the identity of {@link #merge}.
     *
     * @param batches which ranges of single batches are kept; null for none
     * @param tables the counting memory of the task; null for no histograms
     */
    public SlotStatistics(Geometry geometry, @Nullable BatchPolicy batches, @Nullable CountTables tables) {
        this(geometry, batches, tables, null);
    }

    /**
     * Empty statistics that may keep norms.
     *
     * @param pairs the RoPE pairs whose greatest norms are kept; null for none
     * @throws IllegalArgumentException if more channels are rotated than a head has
     */
    public SlotStatistics(
            Geometry geometry,
            @Nullable BatchPolicy batches,
            @Nullable CountTables tables,
            @Nullable RotaryPairs pairs) {
        this(
                geometry,
                new ChannelRanges(geometry.dtype(), geometry.channels()),
                batches == null
                        ? null
                        : new BatchRanges(batches, geometry.dtype(), geometry.channels() / batches.channelsPerScale()),
                tables == null ? null : new SlotCounts(geometry, tables),
                pairs == null ? null : new PairNorms(geometry, pairs),
                SlotTotals.EMPTY,
                null,
                null);
    }

    /** @throws IllegalArgumentException if the parts contradict each other, as in a damaged file */
    SlotStatistics(
            Geometry geometry,
            ChannelRanges ranges,
            @Nullable BatchRanges batches,
            @Nullable SlotCounts histograms,
            @Nullable PairNorms norms,
            SlotTotals totals,
            @Nullable Sample minSample,
            @Nullable Sample maxSample) {
        this.geometry = geometry;
        this.ranges = ranges;
        this.batches = batches;
        this.histograms = histograms;
        this.norms = norms;
        this.totals = totals;
        ChannelRanges all = ranges.reduced(ranges.min.length);
        if (all.isEmpty(0) != isEmpty()) {
            throw new IllegalArgumentException("the ranges do not fit a count of " + finite() + " finite values");
        }
        if ((totals.firstNonFinite() == null) != (nan() == 0 && infinite() == 0)) {
            throw new IllegalArgumentException("the counts of NaN and infinities do not fit their first origin");
        }
        if (batches != null && !batches.isWithin(ranges)) {
            throw new IllegalArgumentException("the range of a batch exceeds the range of the slot");
        }
        if (histograms != null) {
            ChannelRanges heads = ranges.reduced(geometry.headDim());
            histograms.check(heads.min, heads.max, finite());
        }
        if (norms != null) {
            norms.check(ranges);
        }
        this.min = new Extreme(all.min[0], minSample);
        this.max = new Extreme(all.max[0], maxSample);
    }

    /**
     * Adds a piece of a tensor. Padding is left out. NaN and infinities are counted and enter no range.
     *
     * @param chunk little-endian values from its position to its limit; direct or on the heap; may begin anywhere
     * @throws IllegalArgumentException if the tensor's geometry differs from the slot's, or norms are kept and the piece cuts
     *     a head
     * @throws ArithmeticException if a count overflows 63 bits; the statistics are unusable afterwards
     */
    public void update(Position position, ByteBuffer chunk) {
        update(position, chunk, null);
    }

    /** As {@link #update(Position, ByteBuffer)}; the listener sees each piece of a row. */
    public void update(Position position, ByteBuffer chunk, @Nullable PieceListener listener) {
        KvSource source = position.source();
        if (!source.geometry().equals(geometry)) {
            throw new IllegalArgumentException("expected " + geometry + ", got " + source.geometry());
        }
        if (position.element() == 0) {
            totals = totals.plus(new SlotTotals(0, 0, 0, source.realTokens(), source.samples(), null, null));
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
            fold.fold(position, chunk, element, stop, ranges);
            add(fold, source, source.origin(row));
            if (listener != null) {
                listener.piece(source, row, fold.finite + fold.nan + fold.infinite, fold);
            }
            if (histograms != null && fold.finite > 0) {
                histograms.update(position, chunk, element, stop);
            }
            if (norms != null) {
                norms.update(position, chunk, element, stop);
            }
            element = stop;
        }
    }

    private void add(RunFold piece, KvSource source, Origin origin) {
        boolean allFinite = piece.nan + piece.infinite == 0;
        totals = totals.plus(
                new SlotTotals(piece.finite, piece.nan, piece.infinite, 0, 0, origin, allFinite ? null : origin));
        if (piece.finite > 0) {
            min = min.least(new Extreme(piece.least, origin.sample()));
            max = max.greatest(new Extreme(piece.greatest, origin.sample()));
            if (batches != null) {
                batches.update(source.file(), source.offset(), piece.reduced(batches.policy.channelsPerScale()));
            }
        }
    }

    /**
     * Adds the statistics of another part of the corpus, which do not change.
     *
     * <p>Two slots with finite values merge only if both have histograms or neither has. Otherwise the result would hold a
     * histogram of a part of the values, or lose what the recipe asked for. An empty slot merges with any slot, which then
     * decides whether the result has histograms. The result of two empty slots has histograms if one of them has. The same
     * holds for norms of pairs.
     *
     * @throws IllegalArgumentException if the geometries, batch policies or pairs differ, or only one has histograms or norms
     * @throws ArithmeticException if a count overflows 63 bits; these statistics are unusable afterwards
     */
    public void merge(SlotStatistics other) {
        if (!geometry.equals(other.geometry) || (batches == null) != (other.batches == null)) {
            throw new IllegalArgumentException("statistics of " + geometry + " cannot merge with " + other.geometry);
        }
        if (!hasHistogramsLike(other)) {
            throw new IllegalArgumentException("statistics with histograms cannot merge with statistics without:"
                    + " calibrate both with the same kvscale.statistics");
        }
        if (!hasNormsLike(other)) {
            throw new IllegalArgumentException("statistics with norms of " + pairs() + " cannot merge with norms of "
                    + other.pairs() + ": calibrate both with the same kvscale.statistics and config.json");
        }
        norms = mergedNorms(other);
        histograms = mergedHistograms(other);
        ranges.merge(other.ranges);
        if (batches != null && other.batches != null) {
            batches.merge(other.batches);
        }
        totals = totals.plus(other.totals);
        min = min.least(other.min);
        max = max.greatest(other.max);
    }

    /** Whether {@link #merge} accepts the other as far as histograms go. */
    public boolean hasHistogramsLike(SlotStatistics other) {
        return isEmpty() || other.isEmpty() || hasHistograms() == other.hasHistograms();
    }

    /** Whether {@link #merge} accepts the other as far as norms of pairs go. */
    public boolean hasNormsLike(SlotStatistics other) {
        return Objects.equals(pairs(), other.pairs())
                || pairs() == null && isEmpty()
                || other.pairs() == null && other.isEmpty();
    }

    private @Nullable PairNorms mergedNorms(SlotStatistics other) {
        PairNorms added = other.norms;
        if (norms == null || added == null) {
            return norms == null && added != null ? added.copy() : norms;
        }
        norms.merge(added);
        return norms;
    }

    /** Empty statistics that keep the same, and count in the same memory. */
    public SlotStatistics fresh() {
        return new SlotStatistics(
                geometry,
                new ChannelRanges(geometry.dtype(), geometry.channels()),
                batches == null ? null : new BatchRanges(batches.policy, geometry.dtype(), batches.width),
                histograms == null ? null : histograms.fresh(),
                norms == null ? null : new PairNorms(geometry, norms.layout),
                SlotTotals.EMPTY,
                null,
                null);
    }

    void pack() {
        if (histograms != null) {
            histograms.pack();
        }
    }

    private @Nullable SlotCounts mergedHistograms(SlotStatistics other) {
        SlotCounts added = other.histograms;
        if (histograms == null) {
            return isEmpty() && added != null ? added.copy() : null;
        }
        if (added == null) {
            return other.isEmpty() ? histograms : null;
        }
        histograms.merge(added);
        return histograms;
    }

    public Geometry geometry() {
        return geometry;
    }

    /** Number of finite values, padding left out. */
    public long finite() {
        return totals.finite();
    }

    public long nan() {
        return totals.nan();
    }

    /** Number of infinities of either sign. */
    public long infinite() {
        return totals.infinite();
    }

    /** Real tokens of all tensors. */
    public long tokens() {
        return totals.tokens();
    }

    /** Rows of all batches. */
    public long samples() {
        return totals.samples();
    }

    public boolean isEmpty() {
        return finite() == 0;
    }

    /** The minimum of the finite values; +Inf if there is none. */
    public float min() {
        return number(min.key());
    }

    /** The maximum of the finite values; -Inf if there is none. */
    public float max() {
        return number(max.key());
    }

    /** The first sample that holds the minimum. */
    public @Nullable Sample minSample() {
        return min.sample();
    }

    /** The first sample that holds the maximum. */
    public @Nullable Sample maxSample() {
        return max.sample();
    }

    /** The first sample and file that held values of this slot. */
    public @Nullable Origin firstOrigin() {
        return totals.first();
    }

    /** The first sample and file that held a NaN or an infinity. */
    public @Nullable Origin firstNonFiniteOrigin() {
        return totals.firstNonFinite();
    }

    /** Which ranges of single batches are kept; null for none. */
    public @Nullable BatchPolicy batchPolicy() {
        return batches == null ? null : batches.policy;
    }

    public boolean hasHistograms() {
        return histograms != null;
    }

    /** Bytes that the histograms of all heads take in the statistics file; 0 without histograms. */
    public long histogramBytes() {
        long size = 0;
        for (int head = 0; histograms != null && head < geometry.heads(); head++) {
            size += histograms.packedBytes(head).length;
        }
        return size;
    }

    /**
     * The histogram of neighbouring heads together; null without histograms.
     *
     * @throws IndexOutOfBoundsException if there are no such heads
     */
    public @Nullable ValueCounts histogram(int firstHead, int heads) {
        Objects.checkFromIndexSize(firstHead, heads, geometry.heads());
        return histograms == null ? null : histograms.values(firstHead, heads);
    }

    /** The RoPE pairs whose norms are kept; null for none. */
    public @Nullable RotaryPairs pairs() {
        return norms == null ? null : norms.layout;
    }

    /**
     * The ranges that no position leaves, because RoPE keeps the norm of a pair: one for each {@code channelsPerScale}
     * neighbouring channels; some may be empty. Both channels of a pair get its greatest norm, rounded up to f32, in both
     * directions; the other channels what was observed. Null without norms.
     */
    public Range @Nullable [] envelope(int channelsPerScale) {
        return norms == null ? null : norms.ranges(ranges, channelsPerScale);
    }

    /** The ranges of all values, one for each {@code channelsPerScale} neighbouring channels; some may be empty. */
    public Range[] ranges(int channelsPerScale) {
        return Range.all(ranges.reduced(channelsPerScale));
    }

    /** The ranges of each kept batch, in the order of the corpus. */
    public Stream<Range[]> batches() {
        return batches == null ? Stream.empty() : batches.all().map(Range::all);
    }

    private float number(int key) {
        Dtype dtype = geometry.dtype();
        return dtype.toFloat(dtype.bitsOfKey(key));
    }
}
