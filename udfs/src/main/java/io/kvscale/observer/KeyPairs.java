package io.kvscale.observer;

import io.kvscale.tensor.Role;
import io.kvscale.tensor.RotaryPairs;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The RoPE pairs of K in each layer, for statistics that keep their norms.
 *
 * @param layers the pairs of the layers that are known
 * @param others the pairs of all other layers; null if these keep no norms
 */
public record KeyPairs(
        TreeMap<Integer, RotaryPairs> layers, @Nullable RotaryPairs others) implements Serializable {
    /** The pairs of layers that are known; other layers keep no norms. */
    public static KeyPairs of(Map<Integer, RotaryPairs> layers) {
        return new KeyPairs(new TreeMap<>(layers), null);
    }

    /** The same pairs in all layers. */
    public static KeyPairs everywhere(RotaryPairs pairs) {
        return new KeyPairs(new TreeMap<>(), pairs);
    }

    /** The pairs of a slot; null for V and Q, and for layers that keep no norms. */
    public @Nullable RotaryPairs of(Slot slot) {
        RotaryPairs known = layers.get(slot.layer());
        return slot.role() != Role.KEY ? null : known == null ? others : known;
    }
}
