package io.kvscale.cache;

import io.kvscale.observer.PieceListener;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.observer.histogram.CountTables;
import io.kvscale.quant.HeldScales;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvSource;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The statistics that a cache observes, by slot, and the scales derived from them. Not thread-safe. */
final class RunningScales {
    /** Keeps captures with a wrong layout from filling an executor: a channel takes about 20 bytes. */
    private static final int MAX_CHANNELS = 1 << 24;

    private final SlotSchemes schemes;
    private final StatisticsKind kind;
    private final SortedMap<Slot, SlotStatistics> statistics = new TreeMap<>();
    private long channels;
    private @Nullable CountTables tables;

    RunningScales(SlotSchemes schemes, StatisticsKind kind) {
        this(schemes, kind, kind.tables());
    }

    private RunningScales(SlotSchemes schemes, StatisticsKind kind, @Nullable CountTables tables) {
        this.schemes = schemes;
        this.kind = kind;
        this.tables = tables;
    }

    /** Empty statistics of the same kind, which count in the memory of these. */
    RunningScales another() {
        return new RunningScales(schemes, kind, tables);
    }

    void observe(Slot slot, Position position, ByteBuffer chunk, @Nullable PieceListener listener) {
        statisticsOf(slot, position.source().geometry()).update(position, chunk, listener);
    }

    /**
     * Observes new tokens and derives the scales that now hold.
     *
     * @throws InvalidDataException if a value is NaN or infinite, or no scale can be derived; it names the slot
     */
    HeldScales observe(Slot slot, KvTensor added) {
        SlotStatistics seen = statisticsOf(slot, added.geometry());
        long before = seen.nan() + seen.infinite();
        // Each update is one batch; observers that average take the batches in this order.
        KvSource source =
                new KvSource("", seen.samples(), null, added.geometry(), added.batch(), added.tokens(), false, null);
        seen.update(new Position(source, 0), added.values().duplicate());
        if (seen.nan() + seen.infinite() > before) {
            throw FixedScales.nonFiniteValues(slot);
        }
        return HeldScales.of(derive(slot, seen));
    }

    /** The scales derived so far; null before the slot's first value. */
    @Nullable
    ScaleSet scales(Slot slot) {
        SlotStatistics seen = statistics.get(slot);
        return seen == null || seen.isEmpty() ? null : derive(slot, seen);
    }

    private ScaleSet derive(Slot slot, SlotStatistics seen) {
        return inSlot(slot, () -> ScaleSet.derive(seen, schemes.of(slot)));
    }

    /** @throws IllegalArgumentException if the slot was observed with another geometry */
    void checkFit(Slot slot, KvTensor added) {
        SlotStatistics seen = statistics.get(slot);
        if (seen != null && !seen.geometry().equals(added.geometry())) {
            throw new IllegalArgumentException(slot + " is " + seen.geometry() + ", got " + added.geometry());
        }
    }

    private SlotStatistics statisticsOf(Slot slot, Geometry geometry) {
        SlotStatistics known = statistics.get(slot);
        if (known != null) {
            return known;
        }
        channels += geometry.channels();
        if (channels > MAX_CHANNELS) {
            throw new InvalidDataException(DataProblem.of(
                            "all slots together have more than " + MAX_CHANNELS + " channels, more than any model",
                            "check the layout: heads x head_dim is " + geometry.channels() + " here")
                    .inSlot(slot));
        }
        @Nullable RotaryPairs pairs = kind.pairs(slot);
        if (pairs != null && pairs.channels() > geometry.headDim()) {
            throw new InvalidDataException(DataProblem.of(
                            "RoPE turns " + pairs.channels() + " channels, but head_dim is " + geometry.headDim(),
                            "give the config.json of the model that was captured, or correct keys.rotary_dim")
                    .inSlot(slot));
        }
        SlotStatistics fresh = new SlotStatistics(
                geometry, inSlot(slot, () -> ScaleSet.policy(schemes.of(slot), geometry)), tables, pairs);
        statistics.put(slot, fresh);
        return fresh;
    }

    private static <T extends @Nullable Object> T inSlot(Slot slot, Supplier<T> derivation) {
        try {
            return derivation.get();
        } catch (InvalidDataException e) {
            throw new InvalidDataException(e.problem().inSlot(slot), e);
        }
    }

    SortedMap<Slot, SlotStatistics> statistics() {
        return Collections.unmodifiableSortedMap(statistics);
    }

    void reset() {
        statistics.clear();
        channels = 0;
        tables = kind.tables();
    }
}
