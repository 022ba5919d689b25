package io.kvscale.observer;

import io.kvscale.observer.histogram.CountTables;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.Slot;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The product of one pass over a corpus: the statistics of all its slots and what was read. A commutative monoid under
 * {@link #merge}; the empty one is its identity. Every static scale is derived from it without the corpus.
 */
public final class CalibrationStatistics {
    /** The ASCII characters with which the bytes of {@link #toByteArray} begin. */
    public static final String MAGIC = "KVSTATS\n";

    private Corpus corpus;
    private final SortedMap<Slot, SlotStatistics> slots = new TreeMap<>();
    private final @Nullable CountTables tables;

    public CalibrationStatistics() {
        this((CountTables) null);
    }

    /**
     * The empty statistics.
     *
     * @param tables where {@linkplain #slot slots that are new} count values; null to count none
     */
    public CalibrationStatistics(@Nullable CountTables tables) {
        this.corpus = Corpus.EMPTY;
        this.tables = tables;
    }

    public CalibrationStatistics(Corpus corpus, Map<Slot, SlotStatistics> slots) {
        this.corpus = corpus;
        this.tables = null;
        this.slots.putAll(slots);
    }

    /**
     * Adds what another part of the same corpus gave; {@code other} must not be used afterwards.
     *
     * @throws IllegalArgumentException if slots do not fit: {@link SlotStatistics#merge}
     * @throws ArithmeticException if a count overflows 63 bits; these statistics are of no use then
     */
    public void merge(CalibrationStatistics other) {
        corpus = corpus.merge(other.corpus);
        other.slots.forEach((slot, statistics) -> {
            SlotStatistics present = slots.get(slot);
            if (present != null) {
                present.merge(statistics);
            } else {
                slots.put(slot, tables == null ? statistics : countingHere(statistics));
            }
        });
    }

    /** The same, but what is counted from now on is counted in the tables there are, within their bound. */
    private SlotStatistics countingHere(SlotStatistics statistics) {
        SlotStatistics here = new SlotStatistics(statistics.geometry(), statistics.batchPolicy(), tables);
        here.merge(statistics);
        return here;
    }

    /**
     * The statistics of a slot, for updating; empty ones, without batches, are put in place where there are none.
     *
     * @param geometry of the slot where it is new; one that is there keeps its own
     */
    public SlotStatistics slot(Slot slot, Geometry geometry) {
        return slots.computeIfAbsent(slot, s -> new SlotStatistics(geometry, null, tables));
    }

    /** Says that one more tensor was read: {@link Corpus#withTensor}. */
    public void countTensor(String sample, String tensor, String dtype, List<Long> shape) {
        corpus = corpus.withTensor(sample, tensor, dtype, shape);
    }

    public Corpus corpus() {
        return corpus;
    }

    /** Packs what is counted and lets go of the tables, which other statistics of the task may use. */
    public void pack() {
        slots.values().forEach(SlotStatistics::pack);
    }

    /** By layer, then role. */
    public SortedMap<Slot, SlotStatistics> slots() {
        return Collections.unmodifiableSortedMap(slots);
    }

    public boolean isEmpty() {
        return slots.isEmpty() && corpus.equals(Corpus.EMPTY);
    }

    /** The versioned, checksummed form: equal statistics give equal bytes. */
    public byte[] toByteArray() {
        return StatisticsWriter.write(this);
    }

    /**
     * Reads what {@link #toByteArray} wrote.
     *
     * @throws io.kvscale.tensor.InvalidDataException if a single bit is missing or altered, or a later version is needed
     */
    public static CalibrationStatistics fromByteArray(byte[] bytes) {
        return StatisticsReader.read(bytes);
    }
}
