package io.kvscale.cache;

import io.kvscale.quant.HeldScales;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import org.jspecify.annotations.Nullable;

/**
 * The quantized KV cache as it is served: with scales that were calibrated before and stay. It observes nothing; a value
 * beyond the range saturates.
 *
 * <p>It holds K and V as {@link QuantizedKvCache} does. A slot without scales is not quantized. Not thread-safe.
 */
public final class FixedScaleCache {
    private final FixedScales scales;
    private final HeldSlots held;

    /** @param residualLength how many of the newest tokens stay in full precision; 0 for none */
    public FixedScaleCache(FixedScales scales, int residualLength) {
        this.scales = scales;
        this.held = new HeldSlots(residualLength);
    }

    /**
     * Holds new tokens of a layer and returns the whole sequence: the past and the new tokens fake-quantized, but for the
     * newest {@code residualLength}, which come back as they were given.
     *
     * @param key {@code [batch, kv_heads, new tokens, head_dim]}; not kept
     * @param value likewise
     * @throws InvalidDataException if the scales are of other heads or another head_dim, or a value of a slot with scales
     *     is NaN or infinite; it names the slot, and nothing is held of the update then
     * @throws IllegalArgumentException if shape or dtype is not that of earlier updates of the layer, or key and value
     *     differ in batch or tokens; nothing is held either then
     */
    public KvPair update(KvTensor key, KvTensor value, int layer) {
        Slot keys = new Slot(layer, Role.KEY);
        Slot values = new Slot(layer, Role.VALUE);
        held.checkFit(key, value, layer);
        HeldScales keyScales = scalesFor(keys, key);
        HeldScales valueScales = scalesFor(values, value);
        return new KvPair(held.append(keys, key, keyScales), held.append(values, value, valueScales));
    }

    private @Nullable HeldScales scalesFor(Slot slot, KvTensor added) {
        HeldScales found = scales.of(slot, added.geometry());
        if (found != null && FixedScales.nonFinite(added).findAny().isPresent()) {
            throw new InvalidDataException(
                    DataProblem.of("NaN or infinite values cannot be quantized", "find out why the model produced them")
                            .inSlot(slot));
        }
        return found;
    }

    /** Tokens held of a layer, residual included; 0 for a layer never updated. */
    public int getSeqLength(int layer) {
        return held.tokens(layer);
    }

    /** Drops the K and V held, as between two samples. */
    public void resetStates() {
        held.clear();
    }

    /** Bytes of heap that the K and V held take: codes, their scales, and the residual. */
    public long heldBytes() {
        return held.bytes();
    }
}
