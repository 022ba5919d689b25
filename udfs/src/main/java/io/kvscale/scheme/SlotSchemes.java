package io.kvscale.scheme;

import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The schemes of all slots: one for K, one for V, and overrides for some layers.
 *
 * @param key the scheme of K without an override
 * @param value the scheme of V without an override
 * @param overrides the last one that applies to a slot replaces its whole scheme
 */
public record SlotSchemes(QuantizationScheme key, QuantizationScheme value, List<Override> overrides)
        implements Serializable {

    public SlotSchemes {
        // ArrayList, because Kryo cannot deserialize the lists of List.of().
        overrides = new ArrayList<>(overrides);
    }

    /**
     * Other schemes for some layers.
     *
     * @param name its place in the recipe, for messages
     * @param layers the numbers of the layers
     * @param key the scheme of K in these layers; null for no change
     * @param value the scheme of V in these layers; null for no change
     */
    public record Override(
            String name,
            BitSet layers,
            @Nullable QuantizationScheme key,
            @Nullable QuantizationScheme value) implements Serializable {

        @Nullable
        QuantizationScheme of(Slot slot) {
            return layers.get(slot.layer()) ? slot.role() == Role.KEY ? key : value : null;
        }
    }

    /** One scheme for K and one for V, in all layers. */
    public static SlotSchemes of(QuantizationScheme key, QuantizationScheme value) {
        return new SlotSchemes(key, value, List.of());
    }

    /** One scheme for all slots. */
    public static SlotSchemes of(QuantizationScheme scheme) {
        return of(scheme, scheme);
    }

    /** All different schemes. */
    public Set<QuantizationScheme> all() {
        Set<QuantizationScheme> all = new LinkedHashSet<>(Arrays.asList(key, value));
        for (Override override : overrides) {
            Stream.of(override.key, override.value).filter(Objects::nonNull).forEach(all::add);
        }
        return all;
    }

    /** The scheme of a slot. */
    public QuantizationScheme of(Slot slot) {
        for (int i = overrides.size() - 1; i >= 0; i--) {
            QuantizationScheme scheme = overrides.get(i).of(slot);
            if (scheme != null) {
                return scheme;
            }
        }
        return slot.role() == Role.KEY ? key : value;
    }

    /** The first override that applies to none of these slots; null if each applies to one. */
    public @Nullable Override idle(Set<Slot> slots) {
        for (Override override : overrides) {
            if (slots.stream().noneMatch(slot -> override.of(slot) != null)) {
                return override;
            }
        }
        return null;
    }
}
