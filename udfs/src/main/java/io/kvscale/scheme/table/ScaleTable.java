package io.kvscale.scheme.table;

import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.tensor.Slot;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The result of a calibration: the scales of every slot.
 *
 * @param scheme the scheme of slots that have no other
 * @param slots ordered by layer, then role
 */
public record ScaleTable(
        QuantizationScheme scheme, CorpusSummary corpus, SortedMap<Slot, SlotScales> slots, Provenance provenance) {
    /**
     * The corpus that was read.
     *
     * @param fingerprint 64 hexadecimal digits, computed from the tensors' names, not from their bytes
     * @param samples maximum over slots
     * @param tokens maximum over slots
     * @param values finite values of all slots
     */
    public record CorpusSummary(String fingerprint, long files, long samples, long tokens, long values) {}

    /**
     * Where a table comes from.
     *
     * @param model the name of the model by its config.json, such as {@code LlamaForCausalLM}; null if not known
     * @param statisticsSha256 hash of the bytes of the statistics file beside the table; null if not known
     * @param statedSha256 the {@code scales_sha256} of the file that was read; null if it has none, or no file was read
     */
    public record Provenance(
            @Nullable String model,
            @Nullable String statisticsSha256,
            @Nullable String statedSha256) {
        static final Provenance UNKNOWN = new Provenance(null, null, null);
    }

    /** A table of unknown provenance. */
    public ScaleTable(QuantizationScheme scheme, CorpusSummary corpus, SortedMap<Slot, SlotScales> slots) {
        this(scheme, corpus, slots, Provenance.UNKNOWN);
    }

    public ScaleTable {
        slots = Collections.unmodifiableSortedMap(new TreeMap<>(slots));
    }

    /**
     * This table as it is written beside its statistics.
     *
     * @param model the name of the model; null if not known
     * @param statisticsSha256 hash of the bytes of the statistics file
     */
    public ScaleTable from(@Nullable String model, String statisticsSha256) {
        return new ScaleTable(scheme, corpus, slots, new Provenance(model, statisticsSha256, null));
    }

    /** This table without the scales of queries, which no cache holds. */
    public ScaleTable cached() {
        SortedMap<Slot, SlotScales> cached = Slot.cached(slots);
        return cached.size() == slots.size() ? this : new ScaleTable(scheme, corpus, cached, provenance);
    }

    /**
     * {@code scales_sha256}: identifies the scales and how they are applied, whatever corpus they came from. Quantized blocks
     * of a KV store can be shared if and only if it is equal. {@link ScalesHash} defines the bytes.
     *
     * @return 64 hexadecimal digits
     */
    public String sha256() {
        return ScalesHash.of(this);
    }

    /** The table as {@code kv_scales.json}, in UTF-8; the bytes do not depend on the JDK. */
    public byte[] toJson() {
        return ScaleTableWriter.write(this);
    }

    /**
     * Warnings about an edited table: a {@code scales_sha256} that is not that of the scales, and scales that are far from
     * those of their ranges. Empty for the tables that kvscale writes.
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
