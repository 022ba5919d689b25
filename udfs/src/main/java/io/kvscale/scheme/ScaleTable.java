package io.kvscale.scheme;

import io.kvscale.tensor.Slot;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The result of a calibration: the scales of every slot.
 *
 * @param scheme what holds where a slot has no scheme of its own
 * @param slots by layer, then role
 */
public record ScaleTable(QuantizationScheme scheme, CorpusSummary corpus, SortedMap<Slot, SlotScales> slots) {
    /**
     * What was read.
     *
     * @param fingerprint 64 hexadecimal digits: which tensors, not which bytes
     * @param samples the most of any slot
     * @param tokens the most of any slot
     * @param values finite values of all slots
     */
    public record CorpusSummary(String fingerprint, long files, long samples, long tokens, long values) {}

    public ScaleTable {
        slots = Collections.unmodifiableSortedMap(new TreeMap<>(slots));
    }

    /** The table as {@code kv_scales.json}: UTF-8, the same bytes for the same table on every JDK. */
    public byte[] toJson() {
        return ScaleTableWriter.write(this);
    }

    /**
     * Reads {@code kv_scales.json}, also one that was edited by hand.
     *
     * @throws io.kvscale.tensor.InvalidDataException if it is not such a file, or a scale in it could not be used
     */
    public static ScaleTable fromJson(byte[] json) {
        return ScaleTableReader.read(json);
    }
}
