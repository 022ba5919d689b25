package io.kvscale.job.check;

import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an engine does with the scales of one attention layer.
 *
 * @param module the name of its attention module in the checkpoint
 * @param value null for a latent cache (MLA), which has no V
 * @param query null if it was not asked for, or the engine has no place for it
 */
public record LayerVerdict(
        int layer,
        String module,
        SlotVerdict key,
        @Nullable SlotVerdict value,
        @Nullable SlotVerdict query) {
    /** The verdicts by slot, K first. */
    public Map<Slot, SlotVerdict> slots() {
        Map<Slot, SlotVerdict> slots = new LinkedHashMap<>();
        slots.put(new Slot(layer, Role.KEY), key);
        if (value != null) {
            slots.put(new Slot(layer, Role.VALUE), value);
        }
        if (query != null) {
            slots.put(new Slot(layer, Role.QUERY), query);
        }
        return slots;
    }
}
