package io.kvscale.cache;

import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.observer.histogram.CountTables;
import io.kvscale.quant.HeldScales;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The quantized KV cache of one task, after llm-compressor's {@code QuantizedKVParameterCache}.
 *
 * <p>State grows lazily by layer, in any order. Older tokens are held as codes, each with the scale that was in force
 * when it was quantized, so that a dequantized past never changes; the newest {@code residualLength} tokens stay in full
 * precision. Not thread-safe: every task owns one. With scales that are given, see {@link FixedScaleCache}.
 */
public final class QuantizedKvCache {
    /** Keeps captures of a wrong layout from filling an executor: some 20 bytes each. */
    private static final int MAX_CHANNELS = 1 << 24;

    private final SlotSchemes schemes;
    private final StatisticsKind kind;
    private final SortedMap<Slot, SlotStatistics> statistics = new TreeMap<>();
    private final HeldSlots held;
    private long channels;
    private @Nullable CountTables tables;

    /**
     * @param schemes how keys and values are quantized
     * @param residualLength how many of the newest tokens stay in full precision; 0 for none
     */
    public QuantizedKvCache(SlotSchemes schemes, int residualLength) {
        this(schemes, residualLength, StatisticsKind.RANGE);
    }

    /**
     * As above.
     *
     * @param kind what the statistics keep
     */
    public QuantizedKvCache(SlotSchemes schemes, int residualLength, StatisticsKind kind) {
        this.schemes = schemes;
        this.held = new HeldSlots(residualLength);
        this.kind = kind;
        this.tables = kind.tables();
    }

    /** A cache with one scheme for keys and values, and no residual. */
    public QuantizedKvCache(QuantizationScheme scheme) {
        this(SlotSchemes.of(scheme), 0);
    }

    /**
     * Observes new tokens of a layer, holds them and returns the whole sequence: the past and the new tokens
     * fake-quantized, but for the newest {@code residualLength}, which come back as they were given.
     *
     * @param key {@code [batch, kv_heads, new tokens, head_dim]}; not kept
     * @param value likewise
     * @throws InvalidDataException if a value is NaN or infinite, or no scale can be derived; nothing is held of the
     *     update then
     * @throws IllegalArgumentException if shape or dtype is not that of earlier updates of the layer, or key and value
     *     differ in batch or tokens; nothing is observed either then
     */
    public KvPair update(KvTensor key, KvTensor value, int layer) {
        Slot keys = new Slot(layer, Role.KEY);
        Slot values = new Slot(layer, Role.VALUE);
        held.checkFit(key, value, layer);
        checkFits(keys, key);
        checkFits(values, value);
        ScaleSet keyScales = observed(keys, key);
        ScaleSet valueScales = observed(values, value);
        return new KvPair(append(keys, key, keyScales), append(values, value, valueScales));
    }

    /**
     * Observes any piece of K or V; holds and returns nothing. What the job's tasks call.
     *
     * @param position which tensor the piece belongs to and where in it the piece begins
     * @param chunk little-endian values from its position to its limit
     */
    public void observe(Slot slot, Position position, ByteBuffer chunk) {
        statisticsOf(slot, position.source().geometry()).update(position, chunk);
    }

    private void checkFits(Slot slot, KvTensor added) {
        SlotStatistics seen = statistics.get(slot);
        if (seen != null && !seen.geometry().equals(added.geometry())) {
            throw new IllegalArgumentException(slot + " is " + seen.geometry() + ", got " + added.geometry());
        }
    }

    private ScaleSet observed(Slot slot, KvTensor added) {
        SlotStatistics seen = statisticsOf(slot, added.geometry());
        long before = seen.nan() + seen.infinite();
        // Updates are batches in the order in which they come.
        KvSource source =
                new KvSource("", seen.samples(), null, added.geometry(), added.batch(), added.tokens(), false, null);
        seen.update(new Position(source, 0), added.values().duplicate());
        if (seen.nan() + seen.infinite() > before) {
            throw problem(slot, "NaN or infinite values cannot be quantized", "find out why the model produced them");
        }
        return requireScales(slot, seen);
    }

    private KvTensor append(Slot slot, KvTensor added, ScaleSet scales) {
        return held.append(slot, added, HeldScales.of(scales));
    }

    private ScaleSet requireScales(Slot slot, SlotStatistics seen) {
        return named(slot, () -> ScaleSet.derive(seen, schemes.of(slot)));
    }

    private SlotStatistics statisticsOf(Slot slot, Geometry geometry) {
        SlotStatistics known = statistics.get(slot);
        if (known != null) {
            return known;
        }
        channels += geometry.channels();
        if (channels > MAX_CHANNELS) {
            throw problem(
                    slot,
                    "all slots together have more than " + MAX_CHANNELS + " channels, more than any model",
                    "check the layout: heads x head_dim is " + geometry.channels() + " here");
        }
        SlotStatistics fresh =
                new SlotStatistics(geometry, named(slot, () -> ScaleSet.policy(schemes.of(slot), geometry)), tables);
        statistics.put(slot, fresh);
        return fresh;
    }

    private static <T extends @Nullable Object> T named(Slot slot, Supplier<T> derivation) {
        try {
            return derivation.get();
        } catch (InvalidDataException e) {
            throw new InvalidDataException(e.problem().inSlot(slot), e);
        }
    }

    /** Tokens held of a layer, residual included; 0 for a layer never updated. */
    public int getSeqLength(int layer) {
        return held.tokens(layer);
    }

    /** Drops the K and V held and keeps the statistics, as between two samples. */
    public void resetStates() {
        held.clear();
    }

    /** Drops everything. */
    public void reset() {
        held.clear();
        statistics.clear();
        channels = 0;
        tables = kind.tables();
    }

    /** The scales now in force for a slot; null before its first value. */
    public @Nullable ScaleSet scales(Slot slot) {
        SlotStatistics seen = statistics.get(slot);
        return seen == null || seen.isEmpty() ? null : requireScales(slot, seen);
    }

    /** What was observed so far, by slot. */
    public SortedMap<Slot, SlotStatistics> statistics() {
        return Collections.unmodifiableSortedMap(statistics);
    }

    /** Bytes of heap that the K and V held take: codes, their scales, and the residual. */
    public long heldBytes() {
        return held.bytes();
    }

    private static InvalidDataException problem(Slot slot, String what, String remedy) {
        return new InvalidDataException(DataProblem.of(what, remedy).inSlot(slot));
    }
}
