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
 * How every slot is quantized: a scheme for K, one for V, and overrides for some layers.
 *
 * @param key the scheme of K where no override holds
 * @param value the scheme of V where no override holds
 * @param overrides of those that hold for a slot, the last one counts, whole
 */
public record SlotSchemes(QuantizationScheme key, QuantizationScheme value, List<Override> overrides)
        implements Serializable {

    public SlotSchemes {
        // ArrayList: the lists of List.of() do not pass through every serializer that Spark may be told to use.
        overrides = new ArrayList<>(overrides);
    }

    /**
     * Another scheme for some layers.
     *
     * @param name where it was said, for messages
     * @param layers the numbers of the layers
     * @param key the scheme of K there; null to leave it
     * @param value the scheme of V there; null to leave it
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

    /** The same for all layers. */
    public static SlotSchemes of(QuantizationScheme key, QuantizationScheme value) {
        return new SlotSchemes(key, value, List.of());
    }

    /** One for all slots. */
    public static SlotSchemes of(QuantizationScheme scheme) {
        return of(scheme, scheme);
    }

    /** Every scheme that some slot may have. */
    public Set<QuantizationScheme> all() {
        Set<QuantizationScheme> all = new LinkedHashSet<>(Arrays.asList(key, value));
        for (Override override : overrides) {
            Stream.of(override.key, override.value).filter(Objects::nonNull).forEach(all::add);
        }
        return all;
    }

    /** What holds where nothing else is said: K's. */
    public QuantizationScheme common() {
        return key;
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

    /** The first override that holds for none of these slots; null if each holds for one. */
    public @Nullable Override idle(Set<Slot> slots) {
        for (Override override : overrides) {
            if (slots.stream().noneMatch(slot -> override.of(slot) != null)) {
                return override;
            }
        }
        return null;
    }
}
