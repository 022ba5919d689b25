package io.kvscale.cache;

import io.kvscale.quant.HeldScales;
import io.kvscale.tensor.KvTensor;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a cache holds of all its slots; the newest tokens of each stay in full precision. */
final class HeldSlots {
    private final int residualLength;
    private final SortedMap<Slot, HeldSequence> held = new TreeMap<>();

    HeldSlots(int residualLength) {
        if (residualLength < 0) {
            throw new IllegalArgumentException("residual_length " + residualLength + " is below 0");
        }
        this.residualLength = residualLength;
    }

    /**
     * @throws IllegalArgumentException if key and value differ in batch or tokens, or cannot follow those that are held
     */
    void checkFit(KvTensor key, KvTensor value, int layer) {
        if (key.batch() != value.batch() || key.tokens() != value.tokens()) {
            throw new IllegalArgumentException("layer " + layer + ": key has batch " + key.batch() + " and "
                    + key.tokens() + " tokens, value " + value.batch() + " and " + value.tokens());
        }
        checkFits(new Slot(layer, Role.KEY), key);
        checkFits(new Slot(layer, Role.VALUE), value);
    }

    private void checkFits(Slot slot, KvTensor added) {
        HeldSequence sequence = held.get(slot);
        if (sequence != null) {
            sequence.checkFits(slot, added);
        }
    }

    /** Appends tokens and returns the whole sequence. @param scales null to hold all in full precision */
    KvTensor append(Slot slot, KvTensor added, @Nullable HeldScales scales) {
        return held.computeIfAbsent(slot, s -> new HeldSequence()).append(added, scales, residualLength);
    }

    int tokens(int layer) {
        HeldSequence sequence = held.get(new Slot(layer, Role.KEY));
        return sequence == null ? 0 : sequence.tokens();
    }

    long bytes() {
        return held.values().stream().mapToLong(HeldSequence::heldBytes).sum();
    }

    void clear() {
        held.clear();
    }
}
