package io.kvscale.scheme.table;

import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Slot;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The result of a calibration: the scales of every slot.
 *
 * @param scheme the scheme of slots that have no other
 * @param slots ordered by layer, then role
 */
public record ScaleTable(QuantizationScheme scheme, CorpusSummary corpus, SortedMap<Slot, SlotScales> slots) {
    /**
     * The corpus that was read.
     *
     * @param fingerprint 64 hexadecimal digits, computed from the tensors' names, not from their bytes
     * @param samples maximum over slots
     * @param tokens maximum over slots
     * @param values finite values of all slots
     */
    public record CorpusSummary(String fingerprint, long files, long samples, long tokens, long values) {}

    public ScaleTable {
        slots = Collections.unmodifiableSortedMap(new TreeMap<>(slots));
    }

    /** The table as {@code kv_scales.json}, in UTF-8; the bytes do not depend on the JDK. */
    public byte[] toJson() {
        return ScaleTableWriter.write(this);
    }

    /**
     * A warning about scales that are far from those of their ranges, as an edit may leave them; empty for the tables that
     * kvscale writes.
     */
    public List<String> warnings() {
        return ScaleWarnings.of(this);
    }

    /**
     * Reads {@code kv_scales.json}, which may have been edited by hand.
     *
     * @throws io.kvscale.tensor.InvalidDataException if it is malformed or holds an invalid scale
     */
    public static ScaleTable fromJson(byte[] json) {
        return ScaleTableReader.read(json);
    }
}
