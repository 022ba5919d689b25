package io.kvscale.cache;

import io.kvscale.model.Decoding;
import io.kvscale.observer.PieceListener;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.observer.StatisticsKind;
import io.kvscale.quant.HeldScales;
import io.kvscale.quant.ScaleSet;
import io.kvscale.scheme.QuantizationScheme;
import io.kvscale.scheme.SlotSchemes;
import io.kvscale.tensor.Geometry;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.KvTokens;
import io.kvscale.tensor.Position;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.nio.ByteBuffer;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A quantized KV cache, modelled on llm-compressor's {@code QuantizedKVParameterCache}. It has three uses:
 *
 * <ul>
 *   <li>{@link #observe} collects statistics from any piece of K or V and holds no tokens.
 *   <li>{@link #update} holds new tokens as codes and returns the whole sequence, fake-quantized.
 *   <li>{@link #fakeQuantize} fake-quantizes the past of a decoder that holds K and V itself. It observes nothing.
 * </ul>
 *
 * <p>Scales are running (derived from the statistics after each update) or fixed (calibrated before). Every token is
 * quantized once, when it leaves the residual window, and keeps the scale of that moment. The newest {@code
 * residualLength} tokens stay in full precision. Layers may come in any order. Not thread-safe: each task owns a cache.
 */
public final class QuantizedKvCache {
    private final RunningScales running;
    private final @Nullable FixedScales fixed;
    private final int residualLength;
    private final SortedMap<Slot, HeldSequence> held = new TreeMap<>();

    /** Receives the tokens that a decoder computed, and the fake-quantized tokens that replace them. */
    public interface Listener {
        void replaced(Slot slot, KvTensor computed, KvTensor quantized);
    }

    /** A cache with one scheme for K and V, running scales and no residual window. */
    public QuantizedKvCache(QuantizationScheme scheme) {
        this(SlotSchemes.of(scheme), 0);
    }

    /**
     * A cache with running scales.
     *
     * @param residualLength number of newest tokens that stay in full precision
     */
    public QuantizedKvCache(SlotSchemes schemes, int residualLength) {
        this(schemes, residualLength, StatisticsKind.RANGE, null);
    }

    /**
     * @param schemes the scheme of every slot; decides what the statistics keep of batches
     * @param residualLength number of newest tokens that stay in full precision
     * @param kind whether the statistics are ranges or also histograms
     * @param fixed the scales to quantize with; null for running scales
     */
    public QuantizedKvCache(SlotSchemes schemes, int residualLength, StatisticsKind kind, @Nullable FixedScales fixed) {
        this(new RunningScales(schemes, kind), residualLength, fixed);
    }

    private QuantizedKvCache(RunningScales running, int residualLength, @Nullable FixedScales fixed) {
        if (residualLength < 0) {
            throw new IllegalArgumentException("residual_length " + residualLength + " is below 0");
        }
        this.running = running;
        this.fixed = fixed;
        this.residualLength = residualLength;
    }

    /** An empty cache with the same settings. Its histograms count in the memory of this cache, within one bound. */
    public QuantizedKvCache another() {
        return new QuantizedKvCache(running.another(), residualLength, fixed);
    }

    /** A cache with fixed scales, as an engine serves it: values beyond the range saturate. */
    public static QuantizedKvCache withFixedScales(FixedScales scales, int residualLength) {
        return new QuantizedKvCache(SlotSchemes.of(scales.scheme()), residualLength, StatisticsKind.RANGE, scales);
    }

    /** Observes a piece of K or V; little-endian values from the chunk's position to its limit. Holds nothing. */
    public void observe(Slot slot, Position position, ByteBuffer chunk) {
        observe(slot, position, chunk, null);
    }

    /** As {@link #observe(Slot, Position, ByteBuffer)}; the listener sees the ranges of each piece. */
    public void observe(Slot slot, Position position, ByteBuffer chunk, @Nullable PieceListener listener) {
        running.observe(slot, position, chunk, listener);
    }

    /**
     * Appends new tokens to a layer and returns the whole sequence: dequantized, except for the newest {@code
     * residualLength} tokens. With running scales, the tokens are observed first. With fixed scales, nothing is observed,
     * and a slot without scales stays in full precision.
     *
     * @param key {@code [batch, kv_heads, new tokens, head_dim]}; copied
     * @param value as {@code key}
     * @throws InvalidDataException if a value to quantize is NaN or infinite, no scale can be derived, or the fixed scales
     *     have other heads or another head_dim; names the slot. Nothing of the update is held; running statistics may contain it
     * @throws IllegalArgumentException if shape or dtype differ from earlier updates of the layer, or key and value
     *     differ in batch or tokens; nothing is observed or held
     */
    public KvPair update(KvTensor key, KvTensor value, int layer) {
        Slot keys = new Slot(layer, Role.KEY);
        Slot values = new Slot(layer, Role.VALUE);
        if (key.batch() != value.batch() || key.tokens() != value.tokens()) {
            throw new IllegalArgumentException("layer " + layer + ": key has batch " + key.batch() + " and "
                    + key.tokens() + " tokens, value " + value.batch() + " and " + value.tokens());
        }
        checkFit(keys, key);
        checkFit(values, value);
        HeldScales keyScales = scalesFor(keys, key);
        HeldScales valueScales = scalesFor(values, value);
        return new KvPair(append(keys, key, keyScales), append(values, value, valueScales));
    }

    private void checkFit(Slot slot, KvTensor added) {
        running.checkFit(slot, added);
        HeldSequence sequence = held.get(slot);
        if (sequence != null) {
            sequence.checkFit(slot, added);
        }
    }

    private @Nullable HeldScales scalesFor(Slot slot, KvTensor added) {
        return fixed == null ? running.observe(slot, added) : fixed.scalesForFinite(slot, added);
    }

    private KvTensor append(Slot slot, KvTensor added, @Nullable HeldScales scales) {
        return held.computeIfAbsent(slot, s -> new HeldSequence()).append(added, scales, residualLength);
    }

    /**
     * Fake-quantizes in place the tokens that left the residual window with the decoder's last feed, so that later
     * tokens attend to quantized ones. Observes and holds nothing: running scales come from earlier observations. NaN and
     * infinite values stay as they are. Call it after every feed of a batch with one row.
     *
     * @param slots the slots to quantize; those without scales are skipped
     * @param before number of tokens in the decoder before that feed
     * @throws InvalidDataException if fixed scales have other heads or another head_dim; names the slot
     */
    public void fakeQuantize(Decoding decoder, Iterable<Slot> slots, int before, Listener listener) {
        int from = Math.max(0, before - residualLength);
        int to = Math.max(0, decoder.tokens() - residualLength);
        if (to <= from) {
            return;
        }
        for (Slot slot : slots) {
            KvTensor present = decoder.present(slot);
            HeldScales scales = current(slot, present.geometry());
            if (scales != null) {
                KvTensor computed = KvTokens.copy(present, 0, from, to);
                KvTensor quantized = FakeQuantization.apply(computed, scales);
                listener.replaced(slot, computed, quantized);
                decoder.put(slot, 0, from, quantized);
            }
        }
    }

    private @Nullable HeldScales current(Slot slot, Geometry geometry) {
        if (fixed != null) {
            return fixed.scales(slot, geometry);
        }
        ScaleSet derived = running.scales(slot);
        return derived == null ? null : HeldScales.of(derived);
    }

    /** The number of tokens held for a layer, residual window included; 0 for a layer never updated. */
    public int getSeqLength(int layer) {
        HeldSequence sequence = held.get(new Slot(layer, Role.KEY));
        return sequence == null ? 0 : sequence.tokens();
    }

    /** Drops the tokens held and keeps the statistics: call it between two samples. */
    public void resetStates() {
        held.clear();
    }

    /** Drops the tokens held and the statistics. */
    public void reset() {
        held.clear();
        running.reset();
    }

    /** The running scales of a slot, derived from the statistics so far; null if none of its values was observed. */
    public @Nullable ScaleSet scales(Slot slot) {
        return running.scales(slot);
    }

    /** The statistics observed so far, by slot: a read-only view. */
    public SortedMap<Slot, SlotStatistics> statistics() {
        return running.statistics();
    }

    /** Bytes of heap that the tokens held take: codes, their scales and the residual window. */
    public long heldBytes() {
        return held.values().stream().mapToLong(HeldSequence::heldBytes).sum();
    }
}
