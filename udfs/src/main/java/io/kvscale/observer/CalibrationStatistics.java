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
 * The result of one pass over a corpus: the statistics of all slots, and what was read. Every static scale is derived from
 * it without reading the corpus again. A commutative monoid under {@link #merge}; the empty statistics are its identity.
 */
public final class CalibrationStatistics {
    /** The first eight bytes of {@link #toByteArray}, as ASCII. */
    public static final String MAGIC = "KVSTATS\n";

    private Corpus corpus = Corpus.EMPTY;
    private final SortedMap<Slot, SlotStatistics> slots = new TreeMap<>();
    private final @Nullable CountTables tables;

    public CalibrationStatistics() {
        this((CountTables) null);
    }

    /**
     * Empty statistics.
     *
     * @param tables the counting memory of the task, for the histograms of {@linkplain #slot new slots}; null for none
     */
    public CalibrationStatistics(@Nullable CountTables tables) {
        this.tables = tables;
    }

    public CalibrationStatistics(Corpus corpus, Map<Slot, SlotStatistics> slots) {
        this.corpus = corpus;
        this.tables = null;
        this.slots.putAll(slots);
    }

    /**
     * Adds the statistics of another part of the same corpus, which must not be used afterwards.
     *
     * @throws IllegalArgumentException if {@link SlotStatistics#merge} throws it
     * @throws ArithmeticException if a count overflows 63 bits; these statistics are unusable afterwards
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

    /** A copy that counts in the tables of this task, within their bound. */
    private SlotStatistics countingHere(SlotStatistics statistics) {
        SlotStatistics here = new SlotStatistics(statistics.geometry(), statistics.batchPolicy(), tables);
        here.merge(statistics);
        return here;
    }

    /**
     * The statistics of a slot, for updating. A new slot starts with empty statistics that keep no single batches.
     *
     * @param geometry used only if the slot is new
     */
    public SlotStatistics slot(Slot slot, Geometry geometry) {
        return slots.computeIfAbsent(slot, s -> new SlotStatistics(geometry, null, tables));
    }

    /** Records that a tensor was read: {@link Corpus#withTensor}. */
    public void countTensor(String sample, String tensor, String dtype, List<Long> shape) {
        corpus = corpus.withTensor(sample, tensor, dtype, shape);
    }

    public Corpus corpus() {
        return corpus;
    }

    /** Packs the histograms, which frees their counting memory for other statistics of the task. */
    public void pack() {
        slots.values().forEach(SlotStatistics::pack);
    }

    /** The slots, by layer, then role. */
    public SortedMap<Slot, SlotStatistics> slots() {
        return Collections.unmodifiableSortedMap(slots);
    }

    public boolean isEmpty() {
        return slots.isEmpty() && corpus.equals(Corpus.EMPTY);
    }

    /** The statistics file: versioned and checksummed. Equal statistics give equal bytes. */
    public byte[] toByteArray() {
        return StatisticsWriter.write(this, StatisticsFormat.ORDER);
    }

    /**
     * Reads the bytes of {@link #toByteArray}.
     *
     * @throws io.kvscale.tensor.InvalidDataException if the bytes are damaged or need a later version
     */
    public static CalibrationStatistics fromByteArray(byte[] bytes) {
        return StatisticsReader.read(bytes, StatisticsFormat.ORDER);
    }

    /** As {@link #toByteArray}, but smaller where ranges of batches are kept: for the way between tasks, not a file format. */
    public byte[] toTaskBytes() {
        return StatisticsWriter.write(this, StatisticsFormat.TASK_ORDER);
    }

    /**
     * Reads the bytes of {@link #toTaskBytes}.
     *
     * @throws io.kvscale.tensor.InvalidDataException if the bytes are damaged
     */
    public static CalibrationStatistics ofTaskBytes(byte[] bytes) {
        return StatisticsReader.read(bytes, StatisticsFormat.TASK_ORDER);
    }
}
