package io.kvscale.quant;

import io.kvscale.model.config.LayerCache;
import io.kvscale.model.config.ModelConfig;
import io.kvscale.observer.SlotStatistics;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.Role;
import io.kvscale.tensor.Slot;
import java.util.List;
import java.util.SortedMap;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Checks that the slots are those that a model's config.json says, with its KV heads and head_dim. */
record ModelFit(SortedMap<Slot, SlotStatistics> slots, IntPredicate layers, Tolerances tolerances, ModelConfig model) {
    private static final String OTHER_MODEL = "give the config.json of the model that was captured";

    void check(List<DataProblem> problems) {
        slots.forEach((slot, seen) -> {
            String misfit = misfit(slot, seen);
            if (misfit != null) {
                problems.add(SlotCheck.problem(seen.firstOrigin(), slot, misfit, OTHER_MODEL));
            }
        });
        for (int layer = 0; layer < model.layers().size() && !tolerances.hybrid(); layer++) {
            for (Role role : Role.values()) {
                Slot slot = new Slot(layer, role);
                if (layers.test(layer) && model.holds(slot) && !slots.containsKey(slot)) {
                    problems.add(missing(slot));
                    return;
                }
            }
        }
    }

    private @Nullable String misfit(Slot slot, SlotStatistics seen) {
        @Nullable LayerCache cache = model.layer(slot.layer());
        if (cache == null) {
            return "the model has " + model.layers().size() + " layers according to config.json";
        } else if (!cache.isCached()) {
            return "this layer has " + cache.kind().words() + " according to config.json";
        } else if (cache.headDim(slot.role()) == 0) {
            return "the model has one latent tensor per layer and no V according to config.json";
        }
        int heads = seen.geometry().heads();
        int headDim = seen.geometry().headDim();
        return heads == cache.kvHeads() && headDim == cache.headDim(slot.role())
                ? null
                : "this slot has " + heads + " heads of " + headDim + ", config.json says " + cache.kvHeads() + " of "
                        + cache.headDim(slot.role());
    }

    private DataProblem missing(Slot slot) {
        Slot other = new Slot(slot.layer(), slot.role() == Role.KEY ? Role.VALUE : Role.KEY);
        SlotStatistics pair = slots.get(other);
        return SlotCheck.problem(
                pair == null ? null : pair.firstOrigin(),
                slot,
                pair == null
                        ? "layer " + slot.layer() + " is missing, but config.json says that it has a KV cache"
                        : "the corpus has the " + other.role().word() + " of this layer, but no "
                                + slot.role().word(),
                "capture every layer, " + OTHER_MODEL + ", or leave the layer out with ignore");
    }
}
