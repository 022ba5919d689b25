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
 * The schemes of all slots: one for K, one for V, overrides of both for some layers, and perhaps one for Q.
 *
 * @param key the scheme of K without an override
 * @param value the scheme of V without an override
 * @param overrides the last one that applies to a slot replaces its whole scheme
 * @param query the scheme of Q in all layers; null if Q gets no scales
 */
public record SlotSchemes(
        QuantizationScheme key,
        QuantizationScheme value,
        List<Override> overrides,
        @Nullable QuantizationScheme query) implements Serializable {

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
            return layers.get(slot.layer())
                    ? switch (slot.role()) {
                        case KEY -> key;
                        case VALUE -> value;
                        case QUERY -> null;
                    }
                    : null;
        }
    }

    /** One scheme for K and one for V, in all layers; none for Q. */
    public static SlotSchemes of(QuantizationScheme key, QuantizationScheme value) {
        return new SlotSchemes(key, value, List.of(), null);
    }

    /** One scheme for all slots of K and V. */
    public static SlotSchemes of(QuantizationScheme scheme) {
        return of(scheme, scheme);
    }

    /** All different schemes. */
    public Set<QuantizationScheme> all() {
        Set<QuantizationScheme> all = new LinkedHashSet<>(Arrays.asList(key, value));
        for (Override override : overrides) {
            Stream.of(override.key, override.value).filter(Objects::nonNull).forEach(all::add);
        }
        if (query != null) {
            all.add(query);
        }
        return all;
    }

    /** Whether slots of this role get scales. */
    public boolean covers(Role role) {
        return role.isCached() || query != null;
    }

    /** The scheme of a slot that is {@linkplain #covers covered}. */
    public QuantizationScheme of(Slot slot) {
        for (int i = overrides.size() - 1; i >= 0; i--) {
            QuantizationScheme scheme = overrides.get(i).of(slot);
            if (scheme != null) {
                return scheme;
            }
        }
        return switch (slot.role()) {
            case KEY -> key;
            case VALUE -> value;
            case QUERY -> Objects.requireNonNull(query, () -> slot + " has no scheme");
        };
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
